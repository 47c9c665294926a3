public import Tensors

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// What a `.npy` file holds, be it numbers with a point, integers or truth values.
///
/// `NPYFile` is for those who want floating point only.
///
/// **Source** NumPy Enhancement Proposal 1, format versions 1 to 3.
public enum NPYArray: Sendable {
  /// Floating point, and how the file stores it.
  case floats(AnyTensor, type: ElementType)
  /// Integers, or 0 and 1 for truth values, row-major, and how the file stores them.
  case integers([Int], shape: Shape, type: IntegerType)

  /// The extents.
  public var shape: Shape {
    switch self {
    case .floats(let tensor, _): tensor.shape
    case .integers(_, let shape, _): shape
    }
  }

  /// The name of the type in the file.
  public var typeName: String {
    switch self {
    case .floats(_, let type): type.name
    case .integers(_, _, let type): type.rawValue
    }
  }

  /// Reads a file.
  ///
  /// **Throws** `FileError` for files that cannot be read, are cut off, hold something else than numbers or truth values
  /// in little-endian order, or an integer past 2^63 - 1.
  public init(contentsOf path: String) throws(FileError) {
    try self.init(data: try FileReader.bytes(ofFile: path), path: path)
  }

  /// Reads a file that is in memory; `path` names it in errors.
  public init(data: Data, path: String) throws(FileError) {
    let (header, body) = try NPYHeader.split(data, path)
    let fields = try NPYHeader(parsing: header, path: path)
    try fields.check(body, path: path)
    switch fields.type {
    case .float(let type):
      self = .floats(try NPYFile(fields, type, body, path).tensor, type: type)
    case .integer(let type):
      let integers = try type.decoded(body, path)
      self = .integers(
        fields.order == .c ? integers : transposed(integers, fields.storedShape), shape: fields.shape,
        type: type)
    }
  }

  /// The bytes of a version 1 file: the header padded so that the numbers begin on a 64-byte boundary.
  ///
  /// Integers that the type does not hold keep their low bits, as in two's complement; of truth values all but 0 are true.
  public func data(order: NPYFile.Order = .c) -> Data {
    switch self {
    case .floats(let tensor, let type): return NPYFile.data(tensor, type: type, order: order)
    case .integers(let integers, let shape, let type):
      var data = NPYHeader(type: .integer(type), order: order, shape: shape).data
      data.append(type.encoded(order == .c ? integers : transposed(integers, shape)))
      return data
    }
  }
}

/// Elements with their axes the other way round.
///
/// **Complexity** one pass.
private func transposed(_ elements: [Int], _ shape: Shape) -> [Int] {
  guard shape.order > 1, !elements.isEmpty else { return elements }
  let extents = Array(shape.extents.reversed())
  let strides = Array(shape.strides.reversed())
  var place = [Int](repeating: 0, count: extents.count)
  var source = 0
  return elements.indices.map { _ in
    defer {
      var axis = extents.count - 1
      while axis >= 0 {
        place[axis] += 1
        source += strides[axis]
        if place[axis] < extents[axis] { break }
        source -= strides[axis] * extents[axis]
        place[axis] = 0
        axis -= 1
      }
    }
    return elements[source]
  }
}

extension IntegerType {
  /// The integers that bytes stand for.
  ///
  /// **Throws** `FileError` for one that `Int` does not hold.
  fileprivate func decoded(_ bytes: Data, _ path: String) throws(FileError) -> [Int] {
    let numbers =
      switch self {
      case .int8: integers(in: bytes, Int8.self)
      case .int16: integers(in: bytes, Int16.self)
      case .int32: integers(in: bytes, Int32.self)
      case .int64, .uint64: integers(in: bytes, Int64.self)
      case .uint8: integers(in: bytes, UInt8.self)
      case .uint16: integers(in: bytes, UInt16.self)
      case .uint32: integers(in: bytes, UInt32.self)
      case .bool: integers(in: bytes, UInt8.self).map { $0 == 0 ? 0 : 1 }
      }
    // A uint64 of 2^63 or more is a negative Int64.
    if self == .uint64, let place = numbers.firstIndex(where: { $0 < 0 }) {
      throw FileError(
        path: path, reason: "element \(place) is \(UInt(bitPattern: numbers[place])), more than 2^63 - 1")
    }
    return numbers
  }

  fileprivate func encoded(_ integers: [Int]) -> Data {
    switch self {
    case .int8, .uint8: bytes(of: integers, UInt8.self)
    case .int16, .uint16: bytes(of: integers, UInt16.self)
    case .int32, .uint32: bytes(of: integers, UInt32.self)
    case .int64, .uint64: bytes(of: integers, UInt64.self)
    case .bool: bytes(of: integers.map { $0 == 0 ? 0 : 1 }, UInt8.self)
    }
  }
}

private func integers<Bits: FixedWidthInteger>(in data: Data, _: Bits.Type) -> [Int] {
  let size = MemoryLayout<Bits>.size
  return data.withUnsafeBytes { bytes in
    (0..<(bytes.count / size)).map {
      Int(Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: Bits.self)))
    }
  }
}

private func bytes<Bits: FixedWidthInteger>(of integers: [Int], _: Bits.Type) -> Data {
  let size = MemoryLayout<Bits>.size
  var data = Data(count: integers.count * size)
  data.withUnsafeMutableBytes { bytes in
    for (i, integer) in integers.enumerated() {
      bytes.storeBytes(
        of: Bits(truncatingIfNeeded: integer).littleEndian, toByteOffset: i * size, as: Bits.self)
    }
  }
  return data
}
