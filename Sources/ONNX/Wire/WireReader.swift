import ModelGraph
import TensorFiles

/// Reads protobuf's wire format from front to back, through a window of a few KiB: what is skipped, or taken as a view,
/// is never in memory.
///
/// **Source** protobuf.dev, "Encoding".
struct WireReader {
  /// A field's number and how its value is encoded.
  struct Field {
    let number: Int
    let wireType: Int
  }

  let view: ByteView
  let files: ModelFiles
  private(set) var position = 0
  /// Where the message that is being read ends.
  private var end: Int
  private var depth = 0
  private var window: [UInt8] = []
  private var windowStart = 0

  private static var windowSize: Int { 1 << 14 }
  /// Shorter values are held in memory: names, shapes, scalars.
  static var leastViewed: Int { 1 << 12 }
  /// As deep as protobuf's own parsers go.
  private static var deepest: Int { 100 }

  init(_ view: ByteView, files: ModelFiles) {
    self.view = view
    self.files = files
    end = view.count
  }

  /// The next field of the message; nil at its end.
  mutating func nextField() throws(ModelError) -> Field? {
    guard position < end else { return nil }
    let tag = try varint()
    guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { throw malformed("there is no field \(tag >> 3)") }
    return Field(number: Int(tag >> 3), wireType: Int(tag & 7))
  }

  /// A message that is the value of a field, read by `read`, which stops at its end.
  mutating func message<T>(
    _ field: Field, _ read: (inout WireReader) throws(ModelError) -> T
  ) throws(ModelError) -> T {
    let length = try length(field)
    guard depth < Self.deepest else { throw malformed("messages lie more than \(Self.deepest) deep") }
    let outer = end
    end = position + length
    depth += 1
    let result = try read(&self)
    end = outer
    depth -= 1
    return result
  }

  /// The bytes of the message that is being read, from `start` on.
  func bytes(from start: Int) -> ByteView { view[start..<end] }

  /// An integer.
  mutating func int(_ field: Field) throws(ModelError) -> Int {
    try require(field, wireType: 0)
    return Int(truncatingIfNeeded: try varint())
  }

  /// Integers, one to the field or packed.
  mutating func ints(_ field: Field, into values: inout [Int]) throws(ModelError) {
    guard field.wireType == 2 else { return values.append(try int(field)) }
    let length = try length(field)
    let stop = position + length
    while position < stop { values.append(Int(truncatingIfNeeded: try varint())) }
    guard position == stop else { throw malformed("a packed field ends within a number") }
  }

  /// A number of single precision.
  mutating func float(_ field: Field) throws(ModelError) -> Float {
    try require(field, wireType: 5)
    return Float(bitPattern: try fixed(UInt32.self))
  }

  /// Numbers of single precision, one to the field or packed.
  mutating func floats(_ field: Field, into values: inout [Float]) throws(ModelError) {
    guard field.wireType == 2 else { return values.append(try float(field)) }
    let length = try length(field)
    guard length % 4 == 0 else { throw malformed("a packed field ends within a number") }
    for _ in 0..<(length / 4) { values.append(Float(bitPattern: try fixed(UInt32.self))) }
  }

  /// A text.
  mutating func string(_ field: Field) throws(ModelError) -> String {
    let start = position
    let length = try length(field)
    guard let text = String(validating: try take(length), as: UTF8.self) else {
      throw malformed("a name is not UTF-8", at: start)
    }
    return text
  }

  /// Bytes: in memory where they are few, else as a view of the file.
  mutating func bytes(_ field: Field) throws(ModelError) -> ByteView {
    let length = try length(field)
    guard length > Self.leastViewed || view.isInMemory else {
      return ByteView(Array(try take(length)))
    }
    defer { position += length }
    return view[position..<(position + length)]
  }

  /// The bytes of a number of fixed width, 4 or 8.
  mutating func fixed(_ field: Field, width: Int) throws(ModelError) -> ByteView {
    try require(field, wireType: width == 4 ? 5 : 1)
    return ByteView(Array(try take(width)))
  }

  /// A message that may stand in what holds it once: protobuf would merge several into one, and nobody writes them.
  mutating func only<T>(
    _ earlier: T?, _ field: Field, _ read: (inout WireReader) throws(ModelError) -> T
  ) throws(ModelError) -> T {
    guard earlier == nil else { throw malformed("field \(field.number) is there twice") }
    return try message(field, read)
  }

  /// Goes past a field.
  mutating func skip(_ field: Field) throws(ModelError) {
    switch field.wireType {
    case 0: _ = try varint()
    case 1: try advance(8)
    case 2: try advance(try length(field))
    case 5: try advance(4)
    default: throw malformed("field \(field.number) has wire type \(field.wireType)")
    }
  }

  /// An error that names the place.
  func malformed(_ reason: String, at place: Int? = nil) -> ModelError {
    .model(
      path: files.path,
      reason: "this is not an ONNX model, or it is cut off: byte \(place ?? position): \(reason)")
  }
}

extension WireReader {
  /// The number of bytes of a field's value, which all lie in the message.
  private mutating func length(_ field: Field) throws(ModelError) -> Int {
    try require(field, wireType: 2)
    let length = try varint()
    guard length <= UInt64(end - position) else {
      throw malformed("field \(field.number) of \(length) bytes ends beyond what holds it")
    }
    return Int(length)
  }

  private func require(_ field: Field, wireType: Int) throws(ModelError) {
    guard field.wireType == wireType else {
      throw malformed("field \(field.number) has wire type \(field.wireType), not \(wireType)")
    }
  }

  private mutating func advance(_ count: Int) throws(ModelError) {
    guard count <= end - position else { throw malformed("it ends within a field") }
    position += count
  }

  private mutating func varint() throws(ModelError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      let byte = try nextByte()
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw malformed("a number has more than 64 bits")
  }

  private mutating func fixed<T: FixedWidthInteger>(_: T.Type) throws(ModelError) -> T {
    try take(MemoryLayout<T>.size).reversed().reduce(0) { $0 << 8 | T($1) }
  }

  private mutating func nextByte() throws(ModelError) -> UInt8 {
    guard position < end else { throw malformed("it ends within a field") }
    let place = try place(in: position..<(position + 1))
    position += 1
    return window[place]
  }

  /// The next bytes, which the caller knows to lie in the message or which are checked to.
  private mutating func take(_ count: Int) throws(ModelError) -> ArraySlice<UInt8> {
    guard count <= end - position else { throw malformed("it ends within a field") }
    let place = try place(in: position..<(position + count))
    position += count
    return window[place..<(place + count)]
  }

  /// Where a range of the bytes begins in the window, which is moved there if need be.
  private mutating func place(in range: Range<Int>) throws(ModelError) -> Int {
    if range.lowerBound < windowStart || range.upperBound > windowStart + window.count {
      do throws(FileError) {
        if let all = view.bytesInMemory {
          (window, windowStart) = (all, 0)
        } else {
          let size = min(max(Self.windowSize, range.count), view.count - range.lowerBound)
          window = try view[range.lowerBound..<(range.lowerBound + size)].bytes()
          windowStart = range.lowerBound
        }
      } catch { throw .file(error) }
    }
    return range.lowerBound - windowStart
  }
}
