import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The JSON header of a safetensors file.
struct SafetensorsHeader {
  /// Where a tensor lies behind the header, in bytes.
  struct Offsets: Comparable, CustomStringConvertible {
    let start: Int
    let end: Int

    var description: String { "\(start)..<\(end)" }

    static func < (a: Offsets, b: Offsets) -> Bool { (a.start, a.end) < (b.start, b.end) }
  }

  struct Field {
    let dtype: String
    let shape: [Int]
    let dataOffsets: Offsets
  }

  static let types: [String: ElementType] = [
    "F16": .float16, "BF16": .bfloat16, "F32": .float32, "F64": .float64,
  ]

  static func name(of type: ElementType) -> String {
    switch type {
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .float32: "F32"
    case .float64: "F64"
    }
  }

  let tensors: [String: Field]
  let metadata: [String: String]

  init(tensors: [String: Field], metadata: [String: String]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  init(parsing header: Data, path: String) throws(FileError) {
    do {
      self = try JSONDecoder().decode(SafetensorsHeader.self, from: header)
    } catch {
      throw FileError(
        path: path, reason: "this is not a safetensors file: its header is not the JSON it should be")
    }
  }

  /// The header as JSON with sorted keys, padded with blanks so that the numbers begin on an 8-byte boundary.
  var data: Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Strings and integers always encode.
    var data = (try? encoder.encode(self)) ?? Data("{}".utf8)
    data.append(Data(repeating: 0x20, count: (8 - data.count % 8) % 8))
    return data
  }
}

extension SafetensorsHeader {
  /// A tensor's place behind the header.
  struct Place {
    let name: String
    let type: ElementType
    let shape: Shape
    let range: Range<Int>
  }

  /// The tensors in the order of their numbers.
  ///
  /// **Throws** `FileError` where they do not fill the `bodyCount` bytes behind the header without gaps or overlaps, or are
  /// of types or extents that are not read. Whether the bytes of a tensor are those of its shape is for the reader to see.
  func places(bodyCount: Int, path: String) throws(FileError) -> [Place] {
    var places: [Place] = []
    var end = 0
    for (name, field) in tensors.sorted(by: { $0.value.dataOffsets < $1.value.dataOffsets }) {
      func fail(_ reason: String) -> FileError {
        FileError(path: path, reason: "tensor '\(name)': \(reason)")
      }
      guard let type = Self.types[field.dtype] else {
        throw fail("numbers of type '\(field.dtype)' are not read; F16, BF16, F32 and F64 are")
      }
      guard let shape = Shape(checking: field.shape) else {
        throw fail("the extents \(field.shape.prefix(8)) are negative or overflow")
      }
      guard field.dataOffsets.start == end, field.dataOffsets.end >= end, field.dataOffsets.end <= bodyCount
      else {
        throw fail("its place \(field.dataOffsets) leaves a gap, overlaps, or lies outside the file")
      }
      places.append(Place(name: name, type: type, shape: shape, range: end..<field.dataOffsets.end))
      end = field.dataOffsets.end
    }
    guard end == bodyCount else {
      throw FileError(path: path, reason: "\(bodyCount - end) bytes at the end belong to no tensor")
    }
    return places
  }
}

extension SafetensorsHeader: Codable {
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private static let metadataName = Name(stringValue: "__metadata__")

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    var fields: [String: Field] = [:]
    for key in container.allKeys where key.stringValue != Self.metadataName.stringValue {
      fields[key.stringValue] = try container.decode(Field.self, forKey: key)
    }
    tensors = fields
    metadata = try container.decodeIfPresent([String: String].self, forKey: Self.metadataName) ?? [:]
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    if !metadata.isEmpty { try container.encode(metadata, forKey: Self.metadataName) }
    for (name, field) in tensors { try container.encode(field, forKey: Name(stringValue: name)) }
  }
}

extension SafetensorsHeader.Field: Codable {
  private enum CodingKeys: String, CodingKey {
    case dtype, shape
    case dataOffsets = "data_offsets"
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    dtype = try container.decode(String.self, forKey: .dtype)
    shape = try container.decode([Int].self, forKey: .shape)
    let offsets = try container.decode([Int].self, forKey: .dataOffsets)
    guard offsets.count == 2, offsets[0] >= 0 else {
      throw DecodingError.dataCorruptedError(
        forKey: .dataOffsets, in: container, debugDescription: "two offsets are needed")
    }
    dataOffsets = SafetensorsHeader.Offsets(start: offsets[0], end: offsets[1])
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(dtype, forKey: .dtype)
    try container.encode(shape, forKey: .shape)
    try container.encode([dataOffsets.start, dataOffsets.end], forKey: .dataOffsets)
  }
}
