import ModelGraph
import Network
import Tensors

/// Inputs for runs that only the clock looks at: floats from -1 to 1, ones for integers, which any table has that they may
/// be looked up in.
struct TimingInputs {
  /// The inputs by name.
  let tensors: [String: NetworkTensor]

  /// The most elements of all inputs together, so that a broken model does not ask for all memory.
  private static let mostElements = 1 << 26

  /// Inputs of the given shapes, or of the model's own, with 1 for a first extent that it leaves open.
  ///
  /// **Throws** where an input's shape is open, or too large.
  init(_ model: ModelGraph, shapes: [String: [Int]]) throws(TimingError) {
    var generator = SeededGenerator(seed: 1)
    var tensors: [String: NetworkTensor] = [:]
    var room = Self.mostElements
    for info in model.inputs {
      let shape = try Self.shape(of: info, given: shapes[info.name], most: room)
      room -= shape.count
      let type = info.dataType ?? .float32
      switch type {
      case .float32, .float64, .float16, .bfloat16:
        tensors[info.name] = NetworkTensor(generator.tensor(shape), type: type)
      default:
        tensors[info.name] = NetworkTensor(
          shape: shape, integers: [Int](repeating: 1, count: shape.count), type: type)
      }
    }
    self.tensors = tensors
  }

  private static func shape(
    of info: ValueInfo, given: [Int]?, most: Int
  ) throws(TimingError) -> Shape {
    var extents = info.extents ?? [nil]
    if info.extents != nil, let first = extents.first, first == nil { extents[0] = 1 }
    let known = given ?? extents.compactMap { $0 }
    guard given != nil || known.count == extents.count else {
      throw .network(
        .input(name: info.name, reason: "its shape is open: give --input-shape \(info.name)=..."))
    }
    guard let shape = Shape(checking: known), shape.count <= most else {
      throw .network(
        .input(
          name: info.name, reason: "it takes the inputs past 2^26 elements, the most that are timed"))
    }
    return shape
  }
}
