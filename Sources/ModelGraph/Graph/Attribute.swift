public import TensorFiles

/// A named setting of a node.
public struct Attribute: Sendable, Equatable {
  /// What an attribute can be.
  public enum Value: Sendable, Equatable {
    case float(Float)
    case int(Int)
    /// Text, or any other bytes.
    case string(ByteView)
    case tensor(Constant)
    /// A body, such as a branch of `If`.
    case graph(Graph)
    case floats([Float])
    case ints([Int])
    case strings([ByteView])
    case tensors([Constant])
    case graphs([Graph])
    /// In the body of a function: the attribute of this name of the node that calls it.
    case reference(String)
    /// A sparse tensor or a type, as the file describes it.
    case other
  }

  /// The attribute's name.
  public var name: String
  /// What it is set to.
  public var value: Value
  package var record = FileRecord<Attribute>()

  /// An attribute.
  public init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }

  /// An attribute of text.
  public init(_ name: String, text: String) {
    self.init(name, .string(ByteView(Array(text.utf8))))
  }
}

extension Attribute {
  /// The bodies that the attribute holds.
  public var graphs: [Graph] {
    switch value {
    case .graph(let graph): [graph]
    case .graphs(let graphs): graphs
    default: []
    }
  }
}
