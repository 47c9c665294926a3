internal import Tensors

extension ShapeInference {
  /// Operators that move elements about without computing.
  func layout(_ node: Node) -> [Extents?]? {
    switch node.opType {
    case "Reshape": return [reshaped(node)]
    case "Flatten": return [flattened(node)]
    case "Transpose": return [transposed(node)]
    case "Concat": return [concatenated(node)]
    case "Slice": return [sliced(node)]
    case "Split": return split(node)
    case "Squeeze": return [squeezed(node)]
    case "Unsqueeze": return [unsqueezed(node)]
    case "Gather": return [gathered(node)]
    case "Expand":
      guard let input = extents(node, 0), let target = integers(node, 1) else { return [nil] }
      return [broadcast(input, target)]
    case "Tile":
      guard let input = extents(node, 0), let repeats = integers(node, 1), repeats.count == input.count else {
        return [nil]
      }
      return [zip(input, repeats).map { product([$0, $1]) }]
    default: return nil
    }
  }

  private func reshaped(_ node: Node) -> Extents? {
    guard let target = integers(node, 1) ?? node.ints("shape") else { return nil }
    let input = extents(node, 0)
    let keepsZero = node.int("allowzero", default: 0) != 0
    var output: Extents = target.enumerated().map { place, extent in
      guard extent == 0, !keepsZero else { return extent == -1 ? nil : extent }
      return input.flatMap { place < $0.count ? $0[place] : nil }
    }
    // The one extent that is left open follows from the number of elements.
    guard let open = target.firstIndex(of: -1), let input, let total = product(input) else { return output }
    var others = output
    others[open] = 1
    guard let rest = product(others), rest > 0 else { return output }
    output[open] = (CheckedInteger(total) / CheckedInteger(rest)).value
    return output
  }

  private func flattened(_ node: Node) -> Extents? {
    guard let input = extents(node, 0) else { return nil }
    let given = node.int("axis", default: 1)
    let axis = given < 0 ? given + input.count : given
    guard axis >= 0, axis <= input.count else { return nil }
    return [product(input.prefix(axis)), product(input.dropFirst(axis))]
  }

  private func transposed(_ node: Node) -> Extents? {
    guard let input = extents(node, 0) else { return nil }
    let order = node.ints("perm") ?? Array(input.indices.reversed())
    guard order.count == input.count, order.allSatisfy(input.indices.contains) else { return nil }
    return order.map { input[$0] }
  }

  private func concatenated(_ node: Node) -> Extents? {
    let inputs = node.inputs.indices.map { extents(node, $0) }
    guard let first = inputs.first ?? nil, let axis = axis(node.int("axis", default: 1), order: first.count)
    else { return nil }
    var output = first
    for case let next in inputs.dropFirst() {
      guard let next, next.count == first.count else { return nil }
      for place in output.indices where place != axis { output[place] = output[place] ?? next[place] }
      output[axis] = CheckedInteger.sum([output[axis], next[axis]]).value
    }
    return output
  }

  private func sliced(_ node: Node) -> Extents? {
    guard let input = extents(node, 0) else { return nil }
    guard let starts = knownIntegers(node, input: 1, attribute: "starts"),
      let ends = knownIntegers(node, input: 2, attribute: "ends"), starts.count == ends.count
    else { return Extents(repeating: nil, count: input.count) }
    let axes = knownIntegers(node, input: 3, attribute: "axes") ?? Array(starts.indices)
    let steps = knownIntegers(node, input: 4, attribute: "steps") ?? starts.map { _ in 1 }
    guard axes.count == starts.count, steps.count == starts.count else { return nil }
    var output = input
    for place in axes.indices {
      guard let axis = axis(axes[place], order: input.count) else { return nil }
      output[axis] = input[axis].flatMap {
        SliceRange(start: starts[place], end: ends[place], step: steps[place], extent: $0)?.count
      }
    }
    return output
  }

  private func split(_ node: Node) -> [Extents?] {
    guard let input = extents(node, 0), let axis = axis(node.int("axis", default: 0), order: input.count)
    else {
      return []
    }
    let parts = node.outputs.count
    let sizes = knownIntegers(node, input: 1, attribute: "split")
    return node.outputs.indices.map { place in
      var output = input
      if let sizes {
        output[axis] = place < sizes.count ? sizes[place] : nil
      } else {
        let extent = CheckedInteger(input[axis])
        let size = extent.dividedRoundingUp(by: CheckedInteger(parts))
        output[axis] = CheckedInteger.greatest(0, .least(size, extent - CheckedInteger(place) * size)).value
      }
      return output
    }
  }

  private func squeezed(_ node: Node) -> Extents? {
    guard let input = extents(node, 0) else { return nil }
    guard node.attribute("axes") != nil || node.input(1) != nil else {
      return input.contains(nil) ? nil : input.filter { $0 != 1 }
    }
    let axes = knownIntegers(node, input: 1, attribute: "axes")?.map { axis($0, order: input.count) }
    guard let axes, !axes.contains(nil) else { return nil }
    return input.indices.filter { !axes.contains($0) }.map { input[$0] }
  }

  private func unsqueezed(_ node: Node) -> Extents? {
    guard let input = extents(node, 0), let given = knownIntegers(node, input: 1, attribute: "axes") else {
      return nil
    }
    let order = input.count + given.count
    let axes = Set(given.compactMap { axis($0, order: order) })
    guard axes.count == given.count else { return nil }
    var rest = input.makeIterator()
    return (0..<order).map { axes.contains($0) ? 1 : rest.next() ?? nil }
  }

  private func gathered(_ node: Node) -> Extents? {
    guard let input = extents(node, 0), let indices = extents(node, 1),
      let axis = axis(node.int("axis", default: 0), order: input.count)
    else { return nil }
    return Extents(input[..<axis]) + indices + Extents(input[(axis + 1)...])
  }
}

/// The places that a slice takes along one axis.
struct SliceRange {
  let places: [Int]?
  let count: Int

  /// nil where the step is zero or the extent negative.
  init?(start: Int, end: Int, step: Int, extent: Int) {
    guard step != 0, extent >= 0 else { return nil }
    // Clamped as the standard says; an empty axis has no place to begin at either.
    func clamped(_ value: Int, _ low: Int, _ high: Int) -> Int {
      let fromStart = value < 0 ? CheckedInteger(value) + CheckedInteger(extent) : CheckedInteger(value)
      return min(max(fromStart.value ?? low, low), high)
    }
    let (first, last) =
      step > 0
      ? (clamped(start, 0, extent), clamped(end, 0, extent))
      : (clamped(start, 0, extent - 1), clamped(end, -1, extent - 1))
    // Both ends lie on the axis or just beyond it, so from here on nothing can overflow.
    let distance = step > 0 ? last - first : first - last
    let count = distance > 0 ? 1 + (distance - 1) / Int(clamping: step.magnitude) : 0
    self.count = count
    places = count <= ShapeInference.mostIntegers ? (0..<count).map { first + $0 * step } : nil
  }
}
