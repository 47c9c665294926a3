public import TensorFiles
public import Tensors

/// A tensor that is part of the model.
///
/// Large ones lie in the file until they are asked for; see `ByteView`.
public struct Constant: Sendable, Equatable {
  /// The elements of a tensor.
  public enum Elements: Sendable, Equatable {
    /// Row-major and little endian, several elements a byte for types of 2 and 4 bits.
    case bytes(ByteView)
    /// Texts, or other runs of bytes.
    case strings([ByteView])
    /// As the file has them, in a type that this package has no words for.
    case other
  }

  /// The value's name.
  public var name: String
  /// What the elements are.
  public var type: DataType
  /// The extents as the file has them: a broken file's contradict the elements. See `shape`.
  public var extents: [Int]
  /// The elements.
  public var elements: Elements
  package var record = FileRecord<Constant>()

  /// A constant.
  public init(name: String, type: DataType, extents: [Int], elements: Elements) {
    self.name = name
    self.type = type
    self.extents = extents
    self.elements = elements
  }

  /// The extents, or nil where one is negative or their product overflows.
  public var shape: Shape? { Shape(checking: extents) }

  /// The bytes that the elements take; nil for texts and unknown types, and for extents that contradict themselves.
  public var byteCount: Int? {
    guard let shape, let bits = type.bitCount else { return nil }
    return (CheckedInteger(shape.count) * CheckedInteger(bits)).dividedRoundingUp(by: 8).value
  }

  /// Whether the constant has as many elements as its extents say.
  public var isWhole: Bool {
    switch elements {
    case .bytes(let bytes): bytes.count == byteCount
    case .strings(let strings): strings.count == shape?.count
    case .other: false
    }
  }
}

extension Constant {
  /// A tensor stored as `type`, rounded to nearest.
  public init(name: String, _ tensor: Tensor<Float>, type: ElementType) {
    self.init(
      name: name, type: DataType(type), extents: tensor.shape.extents,
      elements: .bytes(ByteView(tensor.bytes(as: type))))
  }

  /// A vector of 64-bit integers, as shapes and axes are; a scalar without `extents`' axes.
  public init(name: String, _ integers: [Int], type: DataType = .int64, extents: [Int]? = nil) {
    let size = (type.bitCount ?? 64) / 8
    let bytes = integers.flatMap { value in
      (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    self.init(
      name: name, type: type, extents: extents ?? [integers.count], elements: .bytes(ByteView(bytes)))
  }

  /// Whether the elements are of a floating-point type that weights have, as many as the extents say.
  public var hasFloats: Bool { type.elementType != nil && isWhole }

  /// The elements as Float, whatever floating-point type they are stored in; nil where the constant is of another type
  /// or contradicts itself.
  ///
  /// **Throws** `FileError` where they lie in a file that cannot be read.
  public func floats() throws(FileError) -> Tensor<Float>? {
    guard case .bytes(let bytes) = elements, let shape, let type = type.elementType else { return nil }
    return try Tensor(shape: shape, bytes: bytes, type: type)
  }

  /// The elements of a small tensor of 32- or 64-bit integers or truth values, as shapes and indices are; nil for other
  /// types, for constants that contradict themselves, and for more elements than any shape has.
  public var integers: [Int]? {
    guard isWhole, case .bytes(let view) = elements, let bytes = view.bytesInMemory else { return nil }
    switch type {
    case .int64: return Self.integers(bytes, Int64.self)
    case .int32: return Self.integers(bytes, Int32.self)
    case .bool: return bytes.map { $0 == 0 ? 0 : 1 }
    default: return nil
    }
  }

  private static func integers<T: FixedWidthInteger>(_ bytes: [UInt8], _: T.Type) -> [Int] {
    let size = MemoryLayout<T>.size
    return (0..<(bytes.count / size)).map { place in
      let bits = (0..<size).reduce(T.zero) { $0 | T(bytes[place * size + $1]) << (8 * T($1)) }
      return Int(bits)
    }
  }
}
