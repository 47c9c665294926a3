import ModelGraph
import TensorFiles
import Tensors

/// Where a constant lies in a file of its own.
struct ExternalPlace {
  let file: String
  let range: Range<Int>
}

/// `TensorProto`
extension Constant: Message {
  init(from reader: inout WireReader) throws(ModelError) {
    self.init(name: "", type: .other(0), extents: [], elements: .bytes(ByteView()))
    var stored = StoredElements()
    while let field = try reader.nextField() {
      switch field.number {
      case 1: try reader.ints(field, into: &extents)
      case 2: type = DataType(number: try reader.int(field))
      case 8: name = try reader.string(field)
      default:
        if try !stored.read(field, from: &reader) { try reader.skip(field) }
      }
    }
    guard shape != nil else {
      throw .tensor(
        path: reader.files.path, name: name,
        reason: "its extents \(extents.prefix(8)) are negative, or their product overflows")
    }
    elements = try stored.elements(of: self, files: reader.files)
  }

  func write(to writer: inout WireWriter, _ options: WritingOptions) throws(ModelError) {
    for extent in extents { writer.int(1, extent) }
    writer.int(2, type.number)
    if case .strings(let strings) = elements, !keepsElements {
      for string in strings { writer.bytes(6, string) }
    }
    writer.optionalString(8, name)
    guard case .bytes(let bytes) = elements, !keepsElements else { return }
    guard let place = options.externalPlaces[name] else { return writer.bytes(9, bytes) }
    let entries = [
      TextEntry(key: "location", value: place.file),
      TextEntry(key: "offset", value: String(place.range.lowerBound)),
      TextEntry(key: "length", value: String(place.range.count)),
    ]
    try writer.entities(13, entries, WritingOptions(path: options.path))
    writer.int(14, StoredElements.externalLocation)
  }

  func covers(field number: Int) -> Bool {
    switch number {
    case 1, 2, 8: true
    case 4...7, 9...11, 13, 14: !keepsElements
    default: false
    }
  }

  /// Whether the elements stay in the fields that the file has them in: those of a type without words, and what is not
  /// as many as the extents say.
  private var keepsElements: Bool {
    guard let recorded = record.entity?.elements else { return false }
    return elements == .other || (!isWhole && elements == recorded)
  }
}

/// The elements of a tensor in the fields that a file may have them in.
private struct StoredElements {
  private var raw: ByteView?
  private var floats = PackedFields()
  private var doubles = PackedFields()
  private var int32s: [Int] = []
  private var int64s: [Int] = []
  private var uint64s: [Int] = []
  private var strings: [ByteView] = []
  private var external: [TextEntry] = []
  private var location = 0

  /// The data location of elements in another file.
  static var externalLocation: Int { 1 }

  /// Reads a field; false where it holds no elements.
  mutating func read(_ field: WireReader.Field, from reader: inout WireReader) throws(ModelError) -> Bool {
    switch field.number {
    case 4: try floats.read(field, width: 4, from: &reader)
    case 5: try reader.ints(field, into: &int32s)
    case 6: strings.append(try reader.bytes(field))
    case 7: try reader.ints(field, into: &int64s)
    case 9: raw = try reader.bytes(field)
    case 10: try doubles.read(field, width: 8, from: &reader)
    case 11: try reader.ints(field, into: &uint64s)
    case 13: external.append(try reader.entity(field))
    case 14: location = try reader.int(field)
    default: return false
    }
    return true
  }

  /// What the fields say, of a tensor of a type and extents.
  ///
  /// **Throws** `ModelError` where raw bytes, or those of another file, are not as many as the extents say.
  func elements(of tensor: Constant, files: ModelFiles) throws(ModelError) -> Constant.Elements {
    var raw = raw
    if location == Self.externalLocation {
      raw = try files.elements(ofTensor: tensor.name, at: external, byteCount: tensor.byteCount)
    } else if tensor.type == .string {
      return .strings(strings)
    }
    guard let bits = tensor.type.bitCount else { return raw.map(Constant.Elements.bytes) ?? .other }
    if let raw {
      guard raw.count == tensor.byteCount else {
        let needed = tensor.byteCount.map { "\($0)" } ?? "more than can be counted"
        throw .tensor(
          path: files.path, name: tensor.name,
          reason: "its data have \(raw.count) bytes, but its extents \(Shape(tensor.extents)) need \(needed)")
      }
      return .bytes(raw)
    }
    switch tensor.type {
    case .float32, .complex64: return .bytes(try floats.bytes(files.path))
    case .float64, .complex128: return .bytes(try doubles.bytes(files.path))
    case .int64: return .bytes(Self.packed(int64s, width: 8))
    case .uint32, .uint64: return .bytes(Self.packed(uint64s, width: bits / 8))
    // The others lie in 32-bit numbers, each with one element, or with one byte of shorter ones.
    default: return .bytes(Self.packed(int32s, width: max(1, bits / 8)))
    }
  }

  /// The low bytes of integers, one behind the other.
  private static func packed(_ values: [Int], width: Int) -> ByteView {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * width)
    for value in values {
      for place in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * place))) }
    }
    return ByteView(bytes)
  }
}

/// The fields of one number that hold numbers of fixed width, packed or one by one: joined they are the elements.
private struct PackedFields {
  private var parts: [ByteView] = []

  mutating func read(
    _ field: WireReader.Field, width: Int, from reader: inout WireReader
  ) throws(ModelError) {
    let part = try field.wireType == 2 ? reader.bytes(field) : reader.fixed(field, width: width)
    guard part.count % width == 0 else { throw reader.malformed("a packed field ends within a number") }
    parts.append(part)
  }

  func bytes(_ path: String) throws(ModelError) -> ByteView {
    guard parts.count != 1 else { return parts[0] }
    var joined: [UInt8] = []
    do throws(FileError) {
      for part in parts { joined += try part.bytes() }
    } catch { throw .file(error) }
    return ByteView(joined)
  }
}
