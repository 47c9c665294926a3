public import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A safetensors file whose numbers are read when they are asked for: for files that are larger than memory.
///
/// The file stays open as long as the view lives; see `ByteView` on what others may do to it meanwhile.
public struct SafetensorsView: Sendable {
  /// Where a tensor lies.
  public struct Place: Sendable {
    /// Its extents.
    public let shape: Shape
    /// How its numbers are stored.
    public let type: ElementType
    /// Its bytes, as many as the shape asks for.
    fileprivate let bytes: ByteView
  }

  /// The tensors by name.
  public let tensors: [String: Place]
  /// Free text, by key.
  public let metadata: [String: String]
  private let path: String

  /// Opens a file and reads its header; `path` names it in errors.
  ///
  /// **Throws** `FileError` as `SafetensorsFile` does.
  public init(_ bytes: ByteView, path: String) throws(FileError) {
    self.path = path
    guard bytes.count >= 8 else {
      throw FileError(path: path, reason: "this is not a safetensors file: it has only \(bytes.count) bytes")
    }
    let length = try bytes[0..<8].bytes().reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(bytes.count - 8) else {
      throw FileError(path: path, reason: "this is not a safetensors file, or it is cut off")
    }
    let start = 8 + Int(length)
    let header = try SafetensorsHeader(parsing: Data(try bytes[8..<start].bytes()), path: path)
    let body = bytes[start..<bytes.count]
    var tensors: [String: Place] = [:]
    for place in try header.places(bodyCount: body.count, path: path) {
      guard
        (CheckedInteger(place.shape.count) * CheckedInteger(place.type.byteCount)).value == place.range.count
      else {
        throw FileError(
          path: path,
          reason:
            "tensor '\(place.name)': \(place.range.count) bytes for \(place.shape) of \(place.type.name)")
      }
      tensors[place.name] = Place(shape: place.shape, type: place.type, bytes: body[place.range])
    }
    (self.tensors, metadata) = (tensors, header.metadata)
  }

  /// The numbers of a tensor in Double.
  ///
  /// **Throws** `FileError` where they cannot be read, or there is no such tensor.
  public func doubles(_ name: String) throws(FileError) -> Tensor<Double> {
    guard let place = tensors[name],
      let tensor = Tensor<Double>(shape: place.shape, data: Data(try place.bytes.bytes()), type: place.type)
    else { throw FileError(path: path, reason: "the tensor '\(name)' is missing") }
    return tensor
  }
}

/// The tensors of a safetensors file on their way there, one after the other: what is larger than memory waits in a file
/// without a name.
public struct SafetensorsWriter: ~Copyable {
  private let scratch: ScratchFile
  private var fields: [String: SafetensorsHeader.Field]

  /// **Throws** `FileError` where there is no room for files that wait.
  public init() throws(FileError) {
    // Before anything is set: Swift 6.2 destroys what is twice where this throws.
    let file = try ScratchFile()
    (scratch, fields) = (file, [:])
  }

  /// Appends a tensor in Double.
  ///
  /// **Traps** where one has that name already.
  ///
  /// **Throws** `FileError` where the disk is full.
  public mutating func append(_ tensor: Tensor<Double>, named name: String) throws(FileError) {
    precondition(fields[name] == nil, "two tensors of the name \(name)")
    let place = try scratch.append([UInt8](tensor.data(as: .float64)))
    fields[name] = SafetensorsHeader.Field(
      dtype: SafetensorsHeader.name(of: .float64), shape: tensor.shape.extents,
      dataOffsets: .init(start: place.lowerBound, end: place.upperBound))
  }

  /// Writes the file, to appear with the others of a transaction.
  ///
  /// **Throws** `FileError` where it cannot be written.
  public consuming func write(
    metadata: [String: String], to path: String, in files: inout FileTransaction
  ) throws(FileError) {
    let header = SafetensorsHeader(tensors: fields, metadata: metadata).data
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    try files.write([ByteView(length + [UInt8](header)), try scratch.appended()], to: path)
  }
}
