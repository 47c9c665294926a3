/// Pixels as a picture that a page can hold: an uncompressed bitmap of 24 bits in a `data:` address.
///
/// **Shapes** `pixels` [height, width, channels], channels 1 or 3, the first row on top.
struct Bitmap {
  let width: Int
  let height: Int
  let channels: Int
  let pixels: [UInt8]

  /// `data:image/bmp;base64,...`
  var address: String { "data:image/bmp;base64," + Self.base64(bytes) }

  /// The file: its header, that of the picture, and rows from the lowest up, each filled up to four bytes.
  private var bytes: [UInt8] {
    let row = (width * 3 + 3) / 4 * 4
    var file: [UInt8] = Array("BM".utf8)
    func add(_ value: Int, bytes count: Int) {
      for place in 0..<count { file.append(UInt8(truncatingIfNeeded: value >> (8 * place))) }
    }
    add(54 + row * height, bytes: 4)
    add(0, bytes: 4)
    add(54, bytes: 4)
    add(40, bytes: 4)
    add(width, bytes: 4)
    add(height, bytes: 4)
    add(1, bytes: 2)
    add(24, bytes: 2)
    for _ in 0..<6 { add(0, bytes: 4) }
    for y in (0..<height).reversed() {
      for x in 0..<width {
        let pixel = (y * width + x) * channels
        // Blue first.
        for channel in (0..<3).reversed() { file.append(pixels[pixel + (channels == 3 ? channel : 0)]) }
      }
      file += [UInt8](repeating: 0, count: row - width * 3)
    }
    return file
  }

  /// **Source** RFC 4648, section 4.
  static func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let value = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for place in 0..<4 {
        text.append(place <= group.count ? digits[value >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
