import ModelGraph
import Network
import Tensors

/// One run of a network on inputs of the shapes that it asks for.
struct NetworkRun {
  private let network: Network
  /// The most elements of an input, and the bytes of a run: what a test model takes many times over. Two runs and their results
  /// are held at once, of a gigabyte.
  private static let (mostElements, mostBytes) = (1 << 20, 1 << 27)

  init(_ model: ModelGraph) throws {
    network = try Network(model, options: NetworkOptions(memoryLimit: Self.mostBytes))
  }

  func run() throws {
    var inputs: [String: NetworkTensor] = [:]
    for info in network.inputs { inputs[info.name] = try tensor(for: info) }
    let results = try network.run(inputs)
    let again = try network.makeSession().run(inputs)
    for (name, result) in results where !isSame(result, again[name]) {
      throw BrokenPromise(what: "'\(name)' differs from run to run")
    }
  }

  /// Numbers from -1 to 1, or 0 to 3; axes that the network leaves open have three places.
  private func tensor(for info: ValueInfo) throws(NetworkError) -> NetworkTensor {
    guard let shape = Shape(checking: (info.extents ?? [3]).map { $0 ?? 3 }), shape.count <= Self.mostElements
    else { throw .input(name: info.name, reason: "more elements than are tried") }
    let type = info.dataType ?? .float32
    var random = SeededGenerator(seed: UInt64(shape.count))
    guard type.elementType == nil else { return NetworkTensor(random.tensor(shape), type: type) }
    let most = type == .bool ? 1 : 3
    return NetworkTensor(
      shape: shape, integers: (0..<shape.count).map { _ in Int.random(in: 0...most, using: &random) },
      type: type)
  }

  private func isSame(_ a: NetworkTensor, _ b: NetworkTensor?) -> Bool {
    guard let b, a.shape == b.shape else { return false }
    guard let x = a.floats?.elements, let y = b.floats?.elements else { return a == b }
    // Bit by bit, as NaN differs from itself; which NaN it is does not matter.
    return zip(x, y).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
  }
}
