public import Tensors

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Named tensors in the safetensors format: float16, bfloat16, float32 and float64.
///
/// A file is eight bytes with the length of a JSON header, the header, and the numbers. The numbers have to fill the
/// file without gaps or overlaps, as the format demands. Written files are the same for the same tensors: sorted by
/// name.
///
/// **Source** the format section of the safetensors README.
public struct SafetensorsFile: Sendable {
  /// One tensor of a file.
  public struct Entry: Sendable {
    /// The numbers.
    public var tensor: AnyTensor
    /// How the file stores them.
    public var type: ElementType

    /// Makes an entry, by default in the tensor's own precision.
    public init(_ tensor: AnyTensor, type: ElementType? = nil) {
      self.tensor = tensor
      self.type = type ?? tensor.naturalType
    }
  }

  /// The tensors by name.
  public var tensors: [String: Entry]
  /// Free text, by key.
  public var metadata: [String: String]

  /// Puts a file together.
  public init(tensors: [String: Entry], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Reads a file.
  ///
  /// **Throws** `FileError` for files that cannot be read, are cut off, hold other types of numbers, or contradict
  /// themselves.
  public init(contentsOf path: String) throws(FileError) {
    try self.init(data: try FileReader.bytes(ofFile: path), path: path)
  }

  /// Reads a file that is in memory; `path` names it in errors.
  public init(data: Data, path: String) throws(FileError) {
    let (header, body) = try Self.split(data, path)
    metadata = header.metadata
    tensors = [:]
    for place in try header.places(bodyCount: body.count, path: path) {
      let bytes = body[
        (body.startIndex + place.range.lowerBound)..<(body.startIndex + place.range.upperBound)]
      guard let tensor = AnyTensor(shape: place.shape, data: bytes, type: place.type) else {
        throw FileError(
          path: path,
          reason: "tensor '\(place.name)': \(bytes.count) bytes for \(place.shape) of \(place.type.name)")
      }
      tensors[place.name] = Entry(tensor, type: place.type)
    }
  }

  private static func split(
    _ data: Data, _ path: String
  ) throws(FileError) -> (header: SafetensorsHeader, body: Data) {
    guard data.count >= 8 else {
      throw FileError(path: path, reason: "this is not a safetensors file: it has only \(data.count) bytes")
    }
    let start = data.startIndex
    let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(data[start + $1]) << UInt64(8 * $1) }
    guard length <= UInt64(data.count - 8) else {
      throw FileError(path: path, reason: "this is not a safetensors file, or it is cut off")
    }
    let bodyStart = start + 8 + Int(length)
    return (try SafetensorsHeader(parsing: data[(start + 8)..<bodyStart], path: path), data[bodyStart...])
  }

  /// The bytes of the file.
  public var data: Data {
    var body = Data()
    var fields: [String: SafetensorsHeader.Field] = [:]
    for (name, entry) in tensors.sorted(by: { $0.key < $1.key }) {
      let start = body.count
      switch entry.tensor {
      case .float(let values): body.append(values.data(as: entry.type))
      case .double(let values): body.append(values.data(as: entry.type))
      }
      fields[name] = SafetensorsHeader.Field(
        dtype: SafetensorsHeader.name(of: entry.type), shape: entry.tensor.shape.extents,
        dataOffsets: .init(start: start, end: body.count))
    }
    let header = SafetensorsHeader(tensors: fields, metadata: metadata).data
    var result = Data()
    for byte in 0..<8 { result.append(UInt8(truncatingIfNeeded: header.count >> (8 * byte))) }
    result.append(header)
    result.append(body)
    return result
  }

  /// Writes the file.
  ///
  /// **Throws** `FileError` where it cannot be written; then nothing is left behind.
  public func write(to path: String) throws(FileError) {
    try AtomicFile.write(data, to: path)
  }
}

extension AnyTensor {
  /// The numbers stored in `data`, in the precision that holds them; nil where the number of bytes is wrong.
  init?(shape: Shape, data: Data, type: ElementType) {
    if type == .float64 {
      guard let tensor = Tensor<Double>(shape: shape, data: data, type: type) else { return nil }
      self = .double(tensor)
    } else {
      guard let tensor = Tensor<Float>(shape: shape, data: data, type: type) else { return nil }
      self = .float(tensor)
    }
  }
}
