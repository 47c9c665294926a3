public import TensorFiles
internal import Tensors

extension Constant {
  /// The elements of a tensor of integers of 8 to 64 bits or truth values, however many; unsigned ones beyond all Ints
  /// wrap around. Nil for other types, and for constants that contradict themselves.
  ///
  /// **Throws** `FileError` where they lie in a file that cannot be read.
  public func wholeNumbers() throws(FileError) -> [Int]? {
    guard isWhole, case .bytes(let view) = elements else { return nil }
    let bytes = try view.bytes()
    switch type {
    case .int8: return bytes.map { Int(Int8(bitPattern: $0)) }
    case .uint8: return bytes.map { Int($0) }
    case .bool: return bytes.map { $0 == 0 ? 0 : 1 }
    case .int16: return Self.numbers(bytes, Int16.self)
    case .uint16: return Self.numbers(bytes, UInt16.self)
    case .int32: return Self.numbers(bytes, Int32.self)
    case .uint32: return Self.numbers(bytes, UInt32.self)
    case .int64: return Self.numbers(bytes, Int64.self)
    case .uint64: return Self.numbers(bytes, UInt64.self)
    default: return nil
    }
  }

  private static func numbers<T: FixedWidthInteger>(_ bytes: [UInt8], _: T.Type) -> [Int] {
    let size = MemoryLayout<T>.size
    return (0..<(bytes.count / size)).map { place in
      let bits = (0..<size).reduce(T.zero) {
        $0 | T(truncatingIfNeeded: bytes[place * size + $1]) << (8 * T($1))
      }
      return Int(truncatingIfNeeded: bits)
    }
  }
}
