import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The header of a `.npy` file: a Python dictionary with the keys `descr`, `fortran_order` and `shape`.
struct NPYHeader {
  /// NumPy's names of the types that are read; `bfloat16` has none.
  static let descriptors: [String: ElementType] = ["<f2": .float16, "<f4": .float32, "<f8": .float64]

  let type: ElementType
  let order: NPYFile.Order
  let shape: Shape

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
