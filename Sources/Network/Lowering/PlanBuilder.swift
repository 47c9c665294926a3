import Maps
import ModelGraph
import Tensors

/// Turns nodes into steps for inputs of known shapes.
///
/// A value type, so that a plan whose end depends on what a run brings can be taken up again from where it stopped.
struct PlanBuilder: Sendable {
  /// How the network runs.
  let options: NetworkOptions
  /// The values so far, by name.
  var values: [String: Value] = [:]
  /// The buffers so far, of all segments.
  private(set) var buffers: [Buffer] = []
  /// The steps of the segment.
  private(set) var steps: [Step] = []
  /// The number of the segment.
  private(set) var segment = 0
  /// The node that is being lowered.
  var current = NodeLabel(name: "", opType: "")
  /// Where values are to be written in the buffer of a concatenation, by name.
  var placements = ConcatenationPlacements()
  /// The values that leave the network, row-major, and go nowhere else.
  var leaving: Set<String> = []
  /// The graphs around the one that is being lowered, for their constants.
  var outerGraphs: [LoadedGraph] = []
  private var constants: [ObjectIdentifier: Int] = [:]
  private var bytesSoFar = 0

  init(options: NetworkOptions) { self.options = options }

  /// The error of the node that is being lowered.
  func failure(_ reason: String) -> LoweringStop {
    .failure(.node(name: current.name, opType: current.opType, reason: reason))
  }
}

/// What a node is called in messages and profiles.
struct NodeLabel: Hashable, Sendable {
  var name: String
  var opType: String
}

/// Why lowering stops.
enum LoweringStop: Error {
  /// The elements of an input have to be known; they are behind the steps so far.
  case needsContents(of: Value)
  /// The node is computed outside of plans, by a function of its inputs' elements, for its outputs' shapes depend on
  /// them.
  case outside(@Sendable ([NetworkTensor?]) throws(NetworkError) -> [NetworkTensor])
  /// Something is wrong.
  case failure(NetworkError)
}

// MARK: Buffers

extension PlanBuilder {
  /// A new buffer in the arena.
  ///
  /// **Throws** where it is over the limit, or all buffers together are by far: sharing memory does not bring them there.
  mutating func makeBuffer(elements: Int?, _ kind: ElementKind, what: String) throws(LoweringStop) -> Int {
    let size = CheckedInteger(elements) * CheckedInteger(kind.byteCount)
    let total = CheckedInteger(bytesSoFar) + size
    let limit = options.memoryLimit
    guard let bytes = size.value, bytes <= limit, let sum = total.value, sum / Self.mostTenants <= limit
    else {
      throw .failure(.memory(what: "\(what) of node '\(current.name)'", byteCount: size.value, limit: limit))
    }
    bytesSoFar = sum
    buffers.append(Buffer(source: .arena(segment: segment), byteCount: bytes))
    return buffers.count - 1
  }

  /// The most buffers that a byte of an arena may be shared by on the average.
  private static var mostTenants: Int { 64 }

  /// The plan of the segment's memory.
  ///
  /// **Throws** where the arena is over the limit.
  func segmentPlan(after earlier: SegmentPlan? = nil) throws(NetworkError) -> SegmentPlan {
    let plan = SegmentPlan(self, after: earlier)
    guard plan.arenaByteCount <= options.memoryLimit else {
      throw .memory(what: "a run", byteCount: plan.arenaByteCount, limit: options.memoryLimit)
    }
    return plan
  }

  /// The buffer of an input of the network.
  mutating func addInput(_ name: String, type: DataType, extents: [Int]) {
    let kind = ElementKind(type) ?? .float
    let layout = StridedShape(extents)
    let count = extents.reduce(1, *)
    buffers.append(Buffer(source: .input(name: name), byteCount: count * kind.byteCount))
    values[name] = Value(type: type, layout: layout, offset: 0, buffer: buffers.count - 1)
  }

  /// A value whose elements are known.
  func known(_ tensor: NetworkTensor, isPermanent: Bool) -> Value {
    Value(
      type: tensor.type, layout: StridedShape(tensor.shape.extents), offset: 0, buffer: nil,
      contents: KnownContents(tensor, isPermanent: isPermanent))
  }

  /// A value of small integers that are known.
  func known(_ integers: [Int], extents: [Int]? = nil, type: DataType = .int64) -> Value {
    known(
      NetworkTensor(shape: Shape(extents ?? [integers.count]), integers: integers, type: type),
      isPermanent: false)
  }

  /// The same value with a buffer: that of a constant, where only the contents are known.
  mutating func stored(_ value: Value) -> Value {
    guard value.buffer == nil, let contents = value.contents else { return value }
    var stored = value
    let key = ObjectIdentifier(contents)
    if let known = constants[key] {
      stored.buffer = known
    } else {
      buffers.append(
        Buffer(source: .constant(contents), byteCount: contents.tensor.shape.count * value.kind.byteCount))
      stored.buffer = buffers.count - 1
      constants[key] = buffers.count - 1
    }
    return stored
  }

  /// A new value in the arena.
  ///
  /// With the name of a value that a concatenation takes it lies in the concatenation's buffer already.
  mutating func make(
    _ extents: [Int], _ type: DataType = .float32, _ order: AxisOrder = .rowMajor, for name: String? = nil
  ) throws(LoweringStop) -> Value {
    guard let kind = ElementKind(type) else { throw failure("there is no arithmetic for \(type) here") }
    if let name, let placed = try place(of: name, extents, type, order) { return placed }
    let count = CheckedInteger.product(extents.map { Optional($0) }).value
    let buffer = try makeBuffer(elements: count, kind, what: "the output")
    return Value(
      type: type, layout: StridedShape(extents, strides: order.strides(extents)), offset: 0, buffer: buffer)
  }
}

// MARK: Steps

extension PlanBuilder {
  /// Adds a step that reads values and writes others, with `scratch` bytes of memory of its own behind them.
  mutating func add(
    reads: [Value], writes: [Value], scratch: Int = 0, inPlace: [Int] = [], detail: String = "",
    multiplies: Int = 0, run: @escaping @Sendable (StepMemory) -> Void
  ) throws(LoweringStop) {
    var operands: [Operand] = []
    for value in reads { operands.append(operand(of: stored(value), isWritten: false)) }
    for value in writes { operands.append(operand(of: value, isWritten: true)) }
    if scratch > 0 {
      let buffer = try makeBuffer(elements: (scratch + 3) / 4, .float, what: "the workspace")
      operands.append(Operand(buffer: buffer, byteOffset: 0, byteCount: scratch, isWritten: true))
    }
    for operand in operands { touch(operand.buffer) }
    steps.append(
      Step(
        node: current.name, operation: current.opType, detail: detail, multiplies: multiplies,
        layout: writes.first?.layoutName ?? "", operands: operands, inPlace: inPlace, run: run))
  }

  private mutating func touch(_ buffer: Int) {
    let step = steps.count
    let known = buffers[buffer].steps
    buffers[buffer].steps = (known?.lowerBound ?? step)...step
  }

  /// The stretch of its buffer that a value touches, from its first element in memory to its last.
  private func operand(of value: Value, isWritten: Bool) -> Operand {
    guard let buffer = value.buffer else { preconditionFailure("a value without a buffer") }
    let (reach, size) = (value.layout.reach, value.kind.byteCount)
    return Operand(
      buffer: buffer, byteOffset: (value.offset - reach.before) * size,
      byteCount: value.extents.contains(0) ? 0 : (reach.before + reach.from) * size, isWritten: isWritten)
  }
}

// MARK: Contents and layouts

extension PlanBuilder {
  /// The elements of a value.
  ///
  /// **Throws** `needsContents` where they come out of the run.
  func contents(_ value: Value) throws(LoweringStop) -> NetworkTensor {
    guard let contents = value.contents else { throw .needsContents(of: value) }
    return contents.tensor
  }

  /// The integers of a value.
  ///
  /// **Throws** `needsContents` where they come out of the run, and where the value is of another type.
  func integers(_ value: Value) throws(LoweringStop) -> [Int] {
    guard let integers = try contents(value).integers else {
      throw failure("an input is of \(value.type), where integers are needed")
    }
    return integers
  }

  /// The floats of a value.
  ///
  /// **Throws** `needsContents` where they come out of the run, and where the value is of another type.
  func floats(_ value: Value) throws(LoweringStop) -> Tensor<Float> {
    guard let floats = try contents(value).floats else {
      throw failure("an input is of \(value.type), where floats are needed")
    }
    return floats
  }

  /// The value with its elements in an order without gaps: itself, or a copy.
  mutating func arranged(_ value: Value, _ order: AxisOrder = .rowMajor) throws(LoweringStop) -> Value {
    var value = stored(value)
    let strides = order.strides(value.extents)
    guard !value.layout.lies(as: strides) else {
      // What has no elements lies in any order, though it may be a look at others, with their distances.
      if value.extents.contains(0) { value.layout = StridedShape(value.extents, strides: strides) }
      return value
    }
    let copy = try make(value.extents, value.type, order)
    try self.copy(value, to: copy)
    return copy
  }

  /// Copies elements from one place to another of the same extents.
  mutating func copy(_ source: Value, to target: Value) throws(LoweringStop) {
    try apply(
      source.kind == .float ? .unary(.copy) : .integerUnary(.copy), [source], to: target, detail: "copied")
  }

  /// Adds an operation on every element, its operands broadcast to the target.
  mutating func apply(
    _ operation: LineOperation, _ operands: [Value], to target: Value, alpha: Float = 0, beta: Float = 0,
    detail: String = ""
  ) throws(LoweringStop) {
    let layouts = operands.map { $0.layout.broadcast(to: target.extents) } + [target.layout]
    guard
      let run = LineRun(
        operation, layouts, offsets: layouts.map(\.reach.before), alpha: alpha, beta: beta,
        threads: options.threads, variant: options.variant ?? .best)
    else { throw failure("more than \(StridedLoops.mostAxes) axes that cannot be gone through as one") }
    let inPlace = operands.indices.filter {
      operands[$0].layout == target.layout && operands[$0].kind == target.kind
    }
    try add(reads: operands, writes: [target], inPlace: inPlace, detail: detail) { memory in
      run.run(memory.places, in: memory.table)
    }
  }
}

// MARK: Segments

extension PlanBuilder {
  /// Begins a new segment behind a run of this one that told the elements of a value.
  mutating func beginSegment() {
    segment += 1
    steps = []
    for index in buffers.indices { buffers[index].steps = nil }
  }

  /// Keeps the buffers that values refer to behind the segment.
  mutating func keepBuffers(of kept: some Sequence<Value>) {
    for value in kept {
      if let buffer = value.buffer { buffers[buffer].isKept = true }
    }
  }
}
