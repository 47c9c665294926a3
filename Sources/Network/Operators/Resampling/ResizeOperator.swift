import Maps
import ModelGraph
import Tensors

/// `Resize` and `Upsample`: resampling axis after axis by taps that are worked out for each size.
struct ResizeOperator: Operator {
  static let opTypes = ["Resize", "Upsample"]

  private enum Mode: String, CaseIterable { case nearest, linear, bilinear, cubic }
  private enum Policy: String, CaseIterable {
    case stretch
    case notLarger = "not_larger"
    case notSmaller = "not_smaller"
  }

  /// What is asked of an axis.
  private struct Target {
    var extent: Int
    var scale: Float
  }

  private let filter: ResizeFilter
  private let transformation: ResizeCoordinates.Transformation
  private let extrapolation: Float
  private let policy: Policy
  private let axes: [Int]?
  private let scales: [Float]?
  /// Where regions, scales and sizes are among the inputs.
  private let places: (region: Int?, scales: Int, sizes: Int?)

  init(_ node: NodeReader) throws(NetworkError) {
    let isOld = node.opType == "Upsample" || node.opset < 11
    let mode: Mode = try node.choice("mode", default: .nearest)
    var rounding = ResizeFilter.Rounding.floor
    if isOld {
      transformation = .asymmetric
      if node.opType == "Resize" { rounding = .simple }
    } else {
      transformation = try node.choice("coordinate_transformation_mode", default: .halfPixel)
      rounding = try node.choice("nearest_mode", default: .preferFloor)
      guard rounding != .simple else { throw node.failure("the attribute 'nearest_mode' is 'simple'") }
    }
    let a = try node.float("cubic_coeff_a", default: -0.75)
    switch mode {
    case .nearest: filter = ResizeFilter(mode: .nearest(rounding), excludesOutside: false, antialiases: false)
    case .linear, .bilinear:
      filter = ResizeFilter(
        mode: .linear, excludesOutside: try node.flag("exclude_outside"),
        antialiases: try node.flag("antialias"))
    case .cubic:
      filter = ResizeFilter(
        mode: .cubic(a: a), excludesOutside: try node.flag("exclude_outside"),
        antialiases: try node.flag("antialias"))
    }
    node.ignore("exclude_outside", "antialias")
    extrapolation = try node.float("extrapolation_value", default: 0)
    policy = try node.choice("keep_aspect_ratio_policy", default: .stretch)
    axes = try node.ints("axes")
    scales = try node.floats("scales")
    places = isOld ? (nil, 1, nil) : (1, 2, 3)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let given = try plan.required(inputs, 0)
    let coordinates = try coordinates(given, inputs, plan)
    guard !coordinates.isEmpty else { return [given] }
    for known in coordinates.values {
      guard known.input > 0 || known.output == 0, known.input < 1 << 24, known.output < 1 << 24 else {
        throw plan.failure("an axis of \(known.input) elements cannot become one of \(known.output)")
      }
    }
    return [try resized(plan.stored(given), coordinates, outputs[0], &plan)]
  }

  /// How often each element is repeated along each axis; nil where that is not all that happens.
  func repetitions(_ inputs: [Value?], _ plan: PlanBuilder) throws(LoweringStop) -> [Int]? {
    guard case .nearest = filter.mode else { return nil }
    let given = try plan.required(inputs, 0)
    var factors = [Int](repeating: 1, count: given.order)
    for (axis, known) in try coordinates(given, inputs, plan) {
      guard known.input > 0, known.output < 1 << 24, known.output % known.input == 0, known.outside.isEmpty
      else { return nil }
      let factor = known.output / known.input
      let indices = filter.taps(known).indices
      guard factor > 1, indices.enumerated().allSatisfy({ Int($1) == $0 / factor }) else { return nil }
      factors[axis] = factor
    }
    return factors
  }

  /// Where the elements of each axis that changes come from.
  private func coordinates(
    _ given: Value, _ inputs: [Value?], _ plan: PlanBuilder
  ) throws(LoweringStop) -> [Int: ResizeCoordinates] {
    let chosen = try axes.map { axes throws(LoweringStop) in try plan.axes(axes, order: given.order) }
    let axes = chosen ?? Array(given.extents.indices)
    let targets = try targets(of: given, axes, inputs, plan)
    let regions = try regions(axes, given.order, inputs, plan)
    var coordinates: [Int: ResizeCoordinates] = [:]
    for (axis, target) in zip(axes, targets) {
      let known = ResizeCoordinates(
        transformation: transformation, input: given.extents[axis], output: target.extent,
        scale: target.scale, region: regions[axis])
      // An axis that stays as it is reads itself, whatever the transformation, unless it is cropped.
      let stays = target.extent == given.extents[axis] && target.scale == 1
      if !stays || (transformation == .tfCropAndResize && regions[axis] != (0, 1)) {
        coordinates[axis] = known
      }
    }
    return coordinates
  }

  /// Resamples along all axes, two in one step.
  private func resized(
    _ input: Value, _ coordinates: [Int: ResizeCoordinates], _ name: String, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    let isCopied = if case .nearest = filter.mode { true } else { false }
    // Integers are only copied as they are; their means are rounded towards zero, as in ONNX Runtime.
    if input.kind == .integer, !isCopied {
      let floats = try plan.converted(input, to: .float32)
      return try plan.converted(try resized(floats, coordinates, "", &plan), to: input.type)
    }
    var value = input
    var left = coordinates.keys.sorted {
      (abs(input.layout.strides[$0]), $1) > (abs(input.layout.strides[$1]), $0)
    }
    while !left.isEmpty {
      let now = Array(left.prefix(left.count % 2 == 1 ? 1 : 2))
      left.removeFirst(now.count)
      var extents = value.extents
      for axis in now { extents[axis] = coordinates[axis]?.output ?? extents[axis] }
      let isLast = left.isEmpty
      let target = try plan.make(extents, input.type, input.axisOrder, for: isLast ? name : nil)
      guard target.count > 0 else { return target }
      var taps: [Int: ResampleRun.Taps] = [:]
      for axis in now { taps[axis] = coordinates[axis].map(filter.taps) }
      let run = ResampleRun(
        taps, input: value.layout, output: target.layout, size: input.kind.byteCount / 4,
        threads: plan.options.threads, variant: plan.options.variant ?? .best)
      try plan.add(
        reads: [value], writes: [target], scratch: run.workspaceByteCount,
        detail: "resampled along \(now.count == 1 ? "one axis" : "two axes")"
      ) { memory in
        run.run(input: memory.bytes(0), output: memory.bytes(1), workspace: memory.bytes(2))
      }
      value = target
    }
    for axis in coordinates.keys.sorted() {
      try fill(coordinates[axis]?.outside ?? [], axis, of: value, &plan)
    }
    return value
  }

  /// Writes what is outside of the input, run by run.
  private func fill(
    _ positions: [Int], _ axis: Int, of value: Value, _ plan: inout PlanBuilder
  ) throws(LoweringStop) {
    var (first, rest) = (0, positions[...])
    while let start = rest.first {
      first = start
      while rest.first == first {
        rest.removeFirst()
        first += 1
      }
      let target = value.sliced(axis: axis, from: start, count: first - start)
      let constant =
        value.kind == .float
        ? plan.known(NetworkTensor(Tensor(shape: [], repeating: extrapolation)), isPermanent: false)
        : plan.known([Int(extrapolation.isFinite ? min(max(extrapolation, -1e9), 1e9) : 0)], extents: [])
      try plan.copy(constant, to: target)
    }
  }

  /// The extents and scales that are asked for, by axis.
  private func targets(
    of input: Value, _ axes: [Int], _ inputs: [Value?], _ plan: PlanBuilder
  ) throws(LoweringStop) -> [Target] {
    if let place = places.sizes, let sizes = plan.optional(inputs, place), sizes.count > 0 {
      let extents = try plan.integers(sizes)
      guard extents.count == axes.count, extents.allSatisfy({ $0 >= 0 && $0 < 1 << 31 }) else {
        throw plan.failure("sizes of \(extents) for \(axes.count) axes")
      }
      return sized(extents, axes.map { input.extents[$0] })
    }
    var factors = scales ?? []
    if let given = plan.optional(inputs, places.scales), given.count > 0 {
      factors = try plan.floats(given).elements
    }
    guard factors.count == axes.count, factors.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw plan.failure("scales of \(factors) for \(axes.count) axes")
    }
    var targets: [Target] = []
    for (axis, factor) in zip(axes, factors) {
      let extent = (Float(input.extents[axis]) * factor).rounded(.down)
      guard extent < 0x1p31 else { throw plan.failure("a scale of \(factor) for \(input.extents)") }
      targets.append(Target(extent: Int(extent), scale: factor))
    }
    return targets
  }

  private func sized(_ sizes: [Int], _ extents: [Int]) -> [Target] {
    let factors: [Float] = zip(sizes, extents).map { $1 == 0 ? 1 : Float($0) / Float($1) }
    let common: Float?
    switch policy {
    case .stretch: common = nil
    case .notLarger: common = factors.min()
    case .notSmaller: common = factors.max()
    }
    guard let common else { return zip(sizes, factors).map { Target(extent: $0, scale: $1) } }
    return extents.map { (extent: Int) -> Target in
      let rounded: Float = min((common * Float(extent)).rounded(.toNearestOrAwayFromZero), 0x1p31)
      return Target(extent: Int(rounded), scale: common)
    }
  }

  /// The part of each axis that is resized.
  private func regions(
    _ axes: [Int], _ order: Int, _ inputs: [Value?], _ plan: PlanBuilder
  ) throws(LoweringStop) -> [(start: Float, end: Float)] {
    var regions = [(start: Float, end: Float)](repeating: (0, 1), count: order)
    guard transformation == .tfCropAndResize, let place = places.region else { return regions }
    let numbers = try plan.floats(try plan.required(inputs, place)).elements
    guard numbers.count == 2 * axes.count, numbers.allSatisfy({ abs($0) < 0x1p24 }) else {
      throw plan.failure("a region of \(numbers) for \(axes.count) axes")
    }
    for (i, axis) in axes.enumerated() { regions[axis] = (numbers[i], numbers[axes.count + i]) }
    return regions
  }
}
