import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The header of a `.npy` file: a Python dictionary with the keys `descr`, `fortran_order` and `shape`.
struct NPYHeader {
  /// The types that are read.
  enum StoredType: Hashable {
    case float(ElementType)
    case integer(IntegerType)

    var name: String {
      switch self {
      case .float(let type): type.name
      case .integer(let type): type.rawValue
      }
    }

    var byteCount: Int {
      switch self {
      case .float(let type): type.byteCount
      case .integer(let type): type.byteCount
      }
    }
  }

  /// NumPy's names of the types that are read; `bfloat16` has none. Types of one byte have no byte order.
  private static let descriptors: [String: StoredType] = [
    "<f2": .float(.float16), "<f4": .float(.float32), "<f8": .float(.float64), "|b1": .integer(.bool),
    "|i1": .integer(.int8), "<i2": .integer(.int16), "<i4": .integer(.int32), "<i8": .integer(.int64),
    "|u1": .integer(.uint8), "<u2": .integer(.uint16), "<u4": .integer(.uint32), "<u8": .integer(.uint64),
  ]

  let type: StoredType
  let order: NPYFile.Order
  let shape: Shape

  init(type: StoredType, order: NPYFile.Order, shape: Shape) {
    (self.type, self.order, self.shape) = (type, order, shape)
  }

  /// The shape of the elements as they follow one another in the file.
  var storedShape: Shape { order == .c ? shape : Shape(shape.extents.reversed()) }

  /// Checks that the bytes behind the header are as many as it says.
  func check(_ body: Data, path: String) throws(FileError) {
    let needed = CheckedInteger(shape.count) * CheckedInteger(type.byteCount)
    guard body.count == needed.value else {
      throw FileError(
        path: path, reason: "the header says \(shape) of \(type.name), but \(body.count) bytes follow it")
    }
  }

  init(parsing header: Data, path: String) throws(FileError) {
    func fail(_ reason: String) -> FileError { FileError(path: path, reason: reason) }
    var scanner = PythonScanner(text: Array(header))
    guard let fields = scanner.dictionary() else {
      throw fail("the header is not the dictionary that the .npy format has")
    }
    guard case .text(let descriptor)? = fields["descr"],
      case .truth(let isFortran)? = fields["fortran_order"],
      case .tuple(let extents)? = fields["shape"]
    else {
      throw fail("the header lacks one of 'descr', 'fortran_order' and 'shape', or has it in another form")
    }
    guard let type = Self.descriptors[descriptor] else {
      throw fail(
        "numbers of type '\(descriptor)' are not read; convert with numpy.astype('<f4'), or '<f2', '<f8'")
    }
    guard extents.count <= 64, let shape = Shape(checking: extents) else {
      throw fail("the extents \(extents.prefix(8)) overflow")
    }
    self.type = type
    self.order = isFortran ? .fortran : .c
    self.shape = shape
  }
}

extension NPYHeader {
  /// The header's text and the bytes behind it.
  static func split(_ data: Data, _ path: String) throws(FileError) -> (header: Data, body: Data) {
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

  /// The beginning of a version 1 file, padded so that the numbers begin on a 64-byte boundary.
  var data: Data {
    let extents = shape.extents
    let list = extents.map(String.init).joined(separator: ", ") + (extents.count == 1 ? "," : "")
    let descriptor = Self.descriptors.first { $0.value == type }?.key ?? "<f4"
    let fields =
      "{'descr': '\(descriptor)', 'fortran_order': \(order == .c ? "False" : "True"), 'shape': (\(list)), }"
    let padding = 63 - (10 + fields.utf8.count) % 64
    let header = fields + String(repeating: " ", count: padding) + "\n"
    var data = Data([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
    data.append(UInt8(header.utf8.count & 0xFF))
    data.append(UInt8(header.utf8.count >> 8))
    data.append(Data(header.utf8))
    return data
  }
}

/// Reads the small part of Python's literals that a `.npy` header consists of.
private struct PythonScanner {
  enum Value {
    case text(String)
    case truth(Bool)
    case tuple([Int])
  }

  let text: [UInt8]
  private var place = 0

  init(text: [UInt8]) { self.text = text }

  mutating func dictionary() -> [String: Value]? {
    var fields: [String: Value] = [:]
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = quoted(), take(":"), let value = value(), fields[key] == nil else { return nil }
      fields[key] = value
      guard take(",") else {
        guard take("}") else { return nil }
        break
      }
    }
    skipBlanks()
    return place == text.count ? fields : nil
  }

  private mutating func value() -> Value? {
    if take("True") { return .truth(true) }
    if take("False") { return .truth(false) }
    if take("(") { return tuple().map(Value.tuple) }
    return quoted().map(Value.text)
  }

  private mutating func tuple() -> [Int]? {
    var numbers: [Int] = []
    while !take(")") {
      guard let number = number() else { return nil }
      numbers.append(number)
      guard take(",") else { return take(")") ? numbers : nil }
    }
    return numbers
  }

  private mutating func number() -> Int? {
    skipBlanks()
    let start = place
    while place < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[place]) { place += 1 }
    let number = Int(String(decoding: text[start..<place], as: UTF8.self))
    _ = take("L")  // Python 2 wrote long integers so.
    return number
  }

  private mutating func quoted() -> String? {
    skipBlanks()
    guard place < text.count, text[place] == UInt8(ascii: "'") || text[place] == UInt8(ascii: "\"") else {
      return nil
    }
    let quote = text[place]
    guard let end = text[(place + 1)...].firstIndex(of: quote) else { return nil }
    defer { place = end + 1 }
    return String(decoding: text[(place + 1)..<end], as: UTF8.self)
  }

  private mutating func take(_ word: String) -> Bool {
    skipBlanks()
    guard text[place...].starts(with: word.utf8) else { return false }
    place += word.utf8.count
    return true
  }

  private mutating func skipBlanks() {
    while place < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[place]) { place += 1 }
  }
}
