public import TensorFiles
internal import Tensors

/// What a model says of a value: its name, its type, its shape.
public struct ValueInfo: Sendable, Equatable {
  /// The type of a value.
  public enum ValueType: Sendable, Equatable {
    /// A tensor; without a shape where not even the number of axes is known.
    case tensor(DataType, shape: [Dimension]?)
    /// A sequence, a map, an optional value or a sparse tensor, as the file describes it.
    case other(ByteView)
  }

  /// The extent of one axis.
  public enum Dimension: Hashable, Sendable {
    /// A number.
    case known(Int)
    /// The same number wherever the name stands.
    case symbol(String)
    /// Nothing is said.
    case open
  }

  /// The value's name.
  public var name: String
  /// Its type, where the model says one.
  public var type: ValueType?
  package var record = FileRecord<ValueInfo>()

  /// A description of a value.
  public init(name: String, type: ValueType? = nil) {
    self.name = name
    self.type = type
  }

  /// The extents of a tensor, nil where open; nil for values without a shape.
  public var extents: [Int?]? {
    guard case .tensor(_, let shape?) = type else { return nil }
    return shape.map { dimension in
      guard case .known(let extent) = dimension, extent >= 0 else { return nil }
      return extent
    }
  }

  /// Whether an extent is open, or the number of axes.
  package var isOpen: Bool { extents?.contains(nil) ?? true }

  /// How the option that gives extents where they are open begins: `--input-shape image=...`.
  package static func shapeOption(_ inputs: [ValueInfo]) -> String {
    "--input-shape \(inputs.first(where: \.isOpen)?.name.onOneLine ?? "NAME")=..."
  }

  /// The extents in words, with a question mark for each that is open: `1x3x?x?`.
  package var shapeText: String {
    extents.map { $0.map { $0.map(String.init) ?? "?" }.joined(separator: "x") } ?? "?"
  }

  /// The same value with extents where it leaves them open.
  package func fixed(to given: [Int]?) -> ValueInfo {
    guard let given, let dataType else { return self }
    return ValueInfo(name: name, type: .tensor(dataType, shape: given.map { .known($0) }))
  }

  /// The type of a tensor's elements.
  public var dataType: DataType? {
    guard case .tensor(let dataType, _) = type else { return nil }
    return dataType
  }
}
