import ModelGraph
import Tensors

/// The steps of a segment with the places of everything that they touch.
///
/// Blocks of memory are numbered: first the arena of each segment up to this one, then everything else in the order of
/// the buffers.
final class SegmentPlan: Sendable {
  /// The steps, each with the places of its operands.
  let steps: [(step: Step, places: [MemoryPlace])]
  /// The size of this segment's arena.
  let arenaByteCount: Int
  /// The number of this segment.
  let segment: Int
  /// The place of each buffer in the blocks; nil for those that no step touches and nobody keeps.
  let places: [MemoryPlace?]
  /// The blocks that hold constants.
  let constants: [(block: Int, contents: KnownContents)]
  /// The blocks that callers give.
  let inputs: [(block: Int, name: String, byteCount: Int)]
  /// The number of blocks.
  let blockCount: Int

  /// Plans the memory of what a builder has gathered; `earlier` is the plan of the segment before.
  init(_ builder: PlanBuilder, after earlier: SegmentPlan? = nil) {
    segment = builder.segment
    let memory = builder.memoryPlan()
    arenaByteCount = memory.byteCount
    var places: [MemoryPlace?] = []
    var constants: [(block: Int, contents: KnownContents)] = []
    var inputs: [(block: Int, name: String, byteCount: Int)] = []
    var block = builder.segment + 1
    for (index, buffer) in builder.buffers.enumerated() {
      switch buffer.source {
      case .arena(let owner):
        guard owner == builder.segment else {
          places.append(earlier.flatMap { index < $0.places.count ? $0.places[index] : nil })
          continue
        }
        places.append(
          memory.offsets[index].map {
            MemoryPlace(block: owner, byteOffset: $0, byteCount: buffer.byteCount)
          })
      case .input(let name):
        places.append(MemoryPlace(block: block, byteOffset: 0, byteCount: buffer.byteCount))
        inputs.append((block, name, buffer.byteCount))
        block += 1
      case .constant(let contents):
        places.append(MemoryPlace(block: block, byteOffset: 0, byteCount: buffer.byteCount))
        constants.append((block, contents))
        block += 1
      }
    }
    (self.places, self.constants, self.inputs, blockCount) = (places, constants, inputs, block)
    steps = builder.steps.map { step in
      (step, step.operands.map { Self.place(of: $0, places) })
    }
  }

  private static func place(of operand: Operand, _ places: [MemoryPlace?]) -> MemoryPlace {
    guard let whole = places[operand.buffer] else {
      preconditionFailure("a step on a buffer without a place")
    }
    return MemoryPlace(
      block: whole.block, byteOffset: whole.byteOffset + operand.byteOffset, byteCount: operand.byteCount)
  }
}

/// A segment in memory, ready to run.
final class SegmentRun {
  let plan: SegmentPlan
  private let table: MemoryTable
  private let arena: Arena
  private let earlier: [SegmentRun]
  /// The memory of inputs, which outputs may lie in.
  private var inputs: [String: Arena] = [:]
  /// Keeps the segment alive, whose address memory is remembered by.
  private let segment: PlannedSegment?

  /// Memory for a segment behind others.
  init(_ plan: SegmentPlan, of segment: PlannedSegment? = nil, earlier: [SegmentRun]) {
    self.plan = plan
    self.segment = segment
    self.earlier = earlier
    arena = Arena(byteCount: plan.arenaByteCount)
    table = MemoryTable(blocks: plan.blockCount)
    for run in earlier { table[run.plan.segment] = run.bytes }
    table[plan.segment] = bytes
    for constant in plan.constants {
      let memory = constant.contents.memory
      table[constant.block] = memory.slice(UInt8.self, byteOffset: 0, count: memory.byteCount)
    }
  }

  /// Whether these are the runs in front of it.
  func follows(_ others: [SegmentRun]) -> Bool { earlier.elementsEqual(others) { $0 === $1 } }

  /// The memory of its arena.
  var bytes: MemorySlice<UInt8> { arena.slice(UInt8.self, byteOffset: 0, count: arena.byteCount) }

  /// Sets the memory of inputs; of those that it does not have, nothing.
  func setInputs(_ memory: [String: Arena]) {
    for (name, memory) in memory { setInput(name, memory) }
  }

  /// Sets the memory of an input.
  private func setInput(_ name: String, _ memory: Arena) {
    for input in plan.inputs where input.name == name {
      table[input.block] = memory.slice(UInt8.self, byteOffset: 0, count: memory.byteCount)
      inputs[name] = memory
    }
  }

  /// Runs every step, and tells when each ended.
  ///
  /// **Throws** where a step found elements that it could do nothing with; the results are none then.
  func run(_ ended: ((Int) -> Void)? = nil) throws(NetworkError) {
    for (index, (step, places)) in plan.steps.enumerated() {
      step.run(StepMemory(places: places, table: table))
      if let fault = table.fault {
        table.fault = nil
        throw .node(name: step.node, opType: step.operation, reason: fault)
      }
      ended?(index)
    }
  }

  /// The place of a value whose elements lie row-major without gaps.
  func memory(of value: Value) -> MemorySlice<UInt8> {
    guard let buffer = value.buffer, let whole = plan.places[buffer] else {
      preconditionFailure("a value that no step made")
    }
    let size = value.kind.byteCount
    let place = MemoryPlace(
      block: whole.block, byteOffset: whole.byteOffset + value.offset * size, byteCount: value.count * size)
    return table.slice(place, of: UInt8.self)
  }

  /// A copy of a value whose elements lie row-major without gaps.
  func tensor(of value: Value) -> NetworkTensor {
    // A value without elements may be one that no step makes.
    guard value.count > 0 else { return NetworkTensor(emptyOf: Shape(value.extents), type: value.type) }
    let bytes = memory(of: value)
    let shape = Shape(value.extents)
    switch value.kind {
    case .float:
      let floats = Tensor<Float>(copying: bytes.bound(to: Float.self), shape: shape)
      return NetworkTensor(floats, type: value.type)
    case .integer:
      return NetworkTensor(shape: shape, integers: bytes.bound(to: Int.self).elements, type: value.type)
    }
  }
}

extension NetworkTensor {
  /// A tensor without elements.
  fileprivate init(emptyOf shape: Shape, type: DataType) {
    if ElementKind(type) == .integer {
      self.init(shape: shape, integers: [], type: type)
    } else {
      self.init(Tensor(shape: shape, elements: []), type: type)
    }
  }
}
