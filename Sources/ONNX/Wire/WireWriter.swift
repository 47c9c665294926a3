import TensorFiles

/// Writes protobuf's wire format, as a chain of pieces: large values stay the views that they are.
///
/// **Source** protobuf.dev, "Encoding".
struct WireWriter {
  private var finished: [ByteView] = []
  private var tail: [UInt8] = []
  /// The bytes of all pieces.
  private(set) var count = 0

  /// What has been written, from front to back.
  var pieces: [ByteView] { tail.isEmpty ? finished : finished + [ByteView(tail)] }

  /// An integer.
  mutating func int(_ number: Int, _ value: Int) {
    key(number, wireType: 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  /// A number of single precision.
  mutating func float(_ number: Int, _ value: Float) {
    key(number, wireType: 5)
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
    }
  }

  /// A text.
  mutating func string(_ number: Int, _ value: String) {
    bytes(number, ByteView(Array(value.utf8)))
  }

  /// A text, left out where empty.
  mutating func optionalString(_ number: Int, _ value: String) {
    if !value.isEmpty { string(number, value) }
  }

  /// Bytes, or a message that is written already.
  mutating func bytes(_ number: Int, _ value: ByteView) {
    key(number, wireType: 2)
    varint(UInt64(value.count))
    append(value)
  }

  /// A message.
  mutating func message(_ number: Int, _ message: WireWriter) {
    key(number, wireType: 2)
    varint(UInt64(message.count))
    for piece in message.pieces { append(piece) }
  }

  /// Whole fields as they are.
  mutating func append(_ view: ByteView) {
    if view.count <= WireReader.leastViewed, let bytes = view.bytesInMemory {
      tail += bytes
      count += bytes.count
      return
    }
    guard view.count > 0 else { return }
    if !tail.isEmpty { finished.append(ByteView(tail)) }
    tail = []
    finished.append(view)
    count += view.count
  }

  private mutating func append(_ byte: UInt8) {
    tail.append(byte)
    count += 1
  }

  private mutating func key(_ number: Int, wireType: UInt64) {
    varint(UInt64(number) << 3 | wireType)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}
