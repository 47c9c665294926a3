public import Tensors

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// NumPy's `.npy` files: float16, float32 and float64, C and Fortran order, little endian.
///
/// **Source** NumPy Enhancement Proposal 1, format versions 1 to 3.
public struct NPYFile: Sendable {
  /// The order of the elements in the file; in memory they are always row-major.
  public enum Order: Hashable, Sendable {
    /// Row-major, the last axis runs fastest.
    case c
    /// Column-major, the first axis runs fastest.
    case fortran
  }

  /// The tensor.
  public let tensor: AnyTensor
  /// How the file stores numbers.
  public let type: ElementType
  /// How the file orders them.
  public let order: Order

  /// Reads a file.
  ///
  /// **Throws** `FileError` for files that cannot be read, are cut off, or hold something else than floating-point
  /// numbers in little-endian order.
  public init(contentsOf path: String) throws(FileError) {
    try self.init(data: try FileReader.bytes(ofFile: path), path: path)
  }

  /// Reads a file that is in memory; `path` names it in errors.
  public init(data: Data, path: String) throws(FileError) {
    let (header, body) = try Self.split(data, path)
    let fields = try NPYHeader(parsing: header, path: path)
    let stored = fields.order == .c ? fields.shape : Shape(fields.shape.extents.reversed())
    let needed = CheckedInteger(stored.count) * CheckedInteger(fields.type.byteCount)
    guard body.count == needed.value else {
      throw FileError(
        path: path,
        reason: "the header says \(fields.shape) of \(fields.type.name), but \(body.count) bytes follow it")
    }
    (type, order) = (fields.type, fields.order)
    if type == .float64, let values = Tensor<Double>(shape: stored, data: body, type: type) {
      tensor = .double(order == .c ? values : values.permuted((0..<stored.order).reversed()))
    } else if let values = Tensor<Float>(shape: stored, data: body, type: type) {
      tensor = .float(order == .c ? values : values.permuted((0..<stored.order).reversed()))
    } else {
      throw FileError(path: path, reason: "the numbers cannot be read")
    }
  }

  /// The header's text and the bytes behind it.
  private static func split(_ data: Data, _ path: String) throws(FileError) -> (header: Data, body: Data) {
    let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
    guard data.count >= 10, data.prefix(6).elementsEqual(magic) else {
      throw FileError(path: path, reason: "this is not a .npy file; write one with numpy.save")
    }
    let start = data.startIndex
    let version = data[start + 6]
    guard (1...3).contains(version) else {
      throw FileError(path: path, reason: "version \(version) of the .npy format is unknown; 1 to 3 are read")
    }
    let lengthBytes = version == 1 ? 2 : 4
    let headerStart = 8 + lengthBytes
    guard data.count >= headerStart else { throw FileError(path: path, reason: "the file is cut off") }
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(data[start + 8 + $1]) << (8 * $1) }
    guard length <= data.count - headerStart else {
      throw FileError(path: path, reason: "the file is cut off: its header has \(length) bytes")
    }
    let bodyStart = start + headerStart + length
    return (data[(start + headerStart)..<bodyStart], data[bodyStart...])
  }

  /// The bytes of a version 1 file: the header padded so that the numbers begin on a 64-byte boundary.
  public static func data(_ tensor: AnyTensor, type: ElementType? = nil, order: Order = .c) -> Data {
    let type = type ?? tensor.naturalType
    let extents = tensor.shape.extents
    let list = extents.map(String.init).joined(separator: ", ") + (extents.count == 1 ? "," : "")
    let descriptor = NPYHeader.descriptors.first { $0.value == type }?.key ?? "<f4"
    let fields =
      "{'descr': '\(descriptor)', 'fortran_order': \(order == .c ? "False" : "True"), 'shape': (\(list)), }"
    let padding = 63 - (10 + fields.utf8.count) % 64
    let header = fields + String(repeating: " ", count: padding) + "\n"
    var data = Data([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
    data.append(UInt8(header.utf8.count & 0xFF))
    data.append(UInt8(header.utf8.count >> 8))
    data.append(Data(header.utf8))
    let axes = order == .c ? Array(0..<extents.count) : Array((0..<extents.count).reversed())
    switch tensor {
    case .float(let values): data.append(values.permuted(axes).data(as: type))
    case .double(let values): data.append(values.permuted(axes).data(as: type))
    }
    return data
  }

  /// Writes a tensor, by default in its own precision and row-major.
  ///
  /// **Throws** `FileError` where the file cannot be written; then nothing is left behind.
  public static func write(
    _ tensor: AnyTensor, to path: String, type: ElementType? = nil, order: Order = .c
  ) throws(FileError) {
    try AtomicFile.write(data(tensor, type: type, order: order), to: path)
  }
}

extension AnyTensor {
  /// The type that stores the tensor without loss.
  var naturalType: ElementType {
    switch self {
    case .float: .float32
    case .double: .float64
    }
  }
}
