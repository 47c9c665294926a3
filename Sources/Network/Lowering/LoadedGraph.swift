import ModelGraph
import Synchronization
import Tensors

/// A graph whose operators have been read: the network's own, or a body of `If` or `Loop`.
final class LoadedGraph: Sendable {
  let nodes: [LoadedNode]
  let inputs: [ValueInfo]
  let outputs: [ValueInfo]
  private let constants: [String: Constant]
  private let known = Mutex<[String: KnownContents]>([:])
  /// Values that come from constants alone, once they have been computed.
  private let folded = Mutex<[String: KnownContents]>([:])

  init(nodes: [LoadedNode], inputs: [ValueInfo], outputs: [ValueInfo], constants: [String: Constant]) {
    (self.nodes, self.inputs, self.outputs, self.constants) = (nodes, inputs, outputs, constants)
  }

  /// A constant as a value; nil where there is none of the name.
  func constant(_ name: String) throws(NetworkError) -> Value? {
    guard let constant = constants[name] else { return nil }
    let contents: KnownContents
    if let ready = known.withLock({ $0[name] }) {
      contents = ready
    } else {
      let tensor = try NetworkTensor(constant) { .constant(name: name, reason: $0) }
      contents = KnownContents(tensor, isPermanent: true)
      known.withLock { $0[name] = contents }
    }
    return Value(contents)
  }

  /// A value that was folded before.
  func folded(_ name: String) -> Value? { folded.withLock { $0[name] }.map(Value.init) }

  /// Remembers what nodes of constants came to.
  func remember(_ name: String, _ value: Value) {
    guard let contents = value.contents, contents.isPermanent else { return }
    folded.withLock { $0[name] = contents }
  }
}

extension Value {
  /// A value whose elements are known.
  init(_ contents: KnownContents) {
    self.init(
      type: contents.tensor.type, layout: .init(contents.tensor.shape.extents), offset: 0, buffer: nil,
      contents: contents)
  }
}

/// A node whose operator has been read, or several that a pass made one of.
struct LoadedNode: Sendable {
  let label: NodeLabel
  let op: any Lowering
  /// What it takes, by name; empty where an input is left out, or was taken up when the operator was made.
  let inputs: [String]
  /// What it makes, by name; empty where nobody wants it.
  let outputs: [String]
}
