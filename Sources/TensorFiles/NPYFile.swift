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
    let (header, body) = try NPYHeader.split(data, path)
    let fields = try NPYHeader(parsing: header, path: path)
    guard case .float(let type) = fields.type else {
      throw FileError(
        path: path,
        reason: "numbers of type \(fields.type.name) are not read here; convert with numpy.astype('<f4'), or"
          + " '<f2', '<f8'")
    }
    try fields.check(body, path: path)
    try self.init(fields, type, body, path)
  }

  /// The tensor of bytes whose number fits the header.
  init(_ fields: NPYHeader, _ type: ElementType, _ body: Data, _ path: String) throws(FileError) {
    let stored = fields.storedShape
    (self.type, order) = (type, fields.order)
    if type == .float64, let values = Tensor<Double>(shape: stored, data: body, type: type) {
      tensor = .double(order == .c ? values : values.permuted((0..<stored.order).reversed()))
    } else if let values = Tensor<Float>(shape: stored, data: body, type: type) {
      tensor = .float(order == .c ? values : values.permuted((0..<stored.order).reversed()))
    } else {
      throw FileError(path: path, reason: "the numbers cannot be read")
    }
  }

  /// The bytes of a version 1 file: the header padded so that the numbers begin on a 64-byte boundary.
  public static func data(_ tensor: AnyTensor, type: ElementType? = nil, order: Order = .c) -> Data {
    let type = type ?? tensor.naturalType
    let extents = tensor.shape.extents
    // bfloat16 has no name in NumPy.
    let named = type == .bfloat16 ? .float32 : type
    var data = NPYHeader(type: .float(named), order: order, shape: tensor.shape).data
    let axes = order == .c ? Array(0..<extents.count) : Array((0..<extents.count).reversed())
    switch tensor {
    case .float(let values): data.append(values.permuted(axes).data(as: named))
    case .double(let values): data.append(values.permuted(axes).data(as: named))
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
