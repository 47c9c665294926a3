import Tensors

/// One thing that a run does: a kernel on values whose places the plan of the memory decides.
struct Step: Sendable {
  /// The node that it is of.
  let node: String
  /// The node's operator, and those of the nodes that it takes up: `Conv+Relu`.
  let operation: String
  /// How it runs, in a few words for `--explain` and profiles.
  var detail: String
  /// The multiplies of its products; 0 where it has none.
  var multiplies: Int
  /// How its output lies in memory, in a word for profiles.
  var layout: String
  /// The buffers that it touches, in the order in which `run` is given them; the last ones may be scratch memory.
  var operands: [Operand]
  /// The operands whose memory the last operand may take over: they lie as it does, and each element is read before it is
  /// written.
  var inPlace: [Int] = []
  /// Does it.
  let run: @Sendable (StepMemory) -> Void
}

/// A stretch of a buffer, before the buffers have places.
struct Operand: Hashable, Sendable {
  /// The buffer.
  let buffer: Int
  /// Where the stretch begins, in bytes.
  let byteOffset: Int
  /// Its size.
  let byteCount: Int
  /// Whether the step writes there.
  let isWritten: Bool
}

/// A step's operands in a run.
struct StepMemory {
  /// Where they lie.
  let places: [MemoryPlace]
  /// The blocks that they lie in.
  let table: MemoryTable

  /// An operand's floats.
  func floats(_ operand: Int) -> MemorySlice<Float> { table.slice(places[operand], of: Float.self) }
  /// An operand's integers.
  func integers(_ operand: Int) -> MemorySlice<Int> { table.slice(places[operand], of: Int.self) }
  /// An operand's bytes.
  func bytes(_ operand: Int) -> MemorySlice<UInt8> { table.slice(places[operand], of: UInt8.self) }
}

/// Memory that values lie in.
struct Buffer: Sendable {
  /// Whose memory it is.
  enum Source: Sendable {
    /// The arena's of a segment.
    case arena(segment: Int)
    /// The caller's.
    case input(name: String)
    /// A constant's.
    case constant(KnownContents)
  }

  /// Whose memory it is.
  let source: Source
  /// Its size in bytes.
  let byteCount: Int
  /// The first and the last step of its segment that touch it; nil where none does.
  var steps: ClosedRange<Int>?
  /// Whether it is needed behind its segment.
  var isKept = false
}
