/// How a camera was held, as it notes it in a JPEG file: which of the eight ways of turning and mirroring a rectangle makes of
/// the stored pixels what is to be seen.
///
/// **Source** Exif 2.32, 4.6.4 A: tag 0x0112 of the first image file directory.
struct Orientation: Equatable {
  /// 1 for pixels as they are stored, up to 8.
  let number: Int

  /// Rows of the picture are columns of what is stored.
  private var isTransposed: Bool { number >= 5 }
  private var mirrorsRows: Bool { [3, 4, 6, 7].contains(number) }
  private var mirrorsColumns: Bool { [2, 3, 7, 8].contains(number) }

  /// What a JPEG file says; as stored where it says nothing that can be understood.
  init(jpeg bytes: [UInt8]) {
    number = Self.exif(bytes).flatMap(Self.entry) ?? 1
  }

  /// The picture of stored pixels.
  func applied(to image: Image) -> Image {
    guard number > 1 else { return image }
    let (height, width) = isTransposed ? (image.width, image.height) : (image.height, image.width)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(image.pixels.count)
    for y in 0..<height {
      for x in 0..<width {
        let (down, right) = isTransposed ? (x, y) : (y, x)
        let row = mirrorsRows ? image.height - 1 - down : down
        let column = mirrorsColumns ? image.width - 1 - right : right
        let first = 3 * (row * image.width + column)
        pixels += image.pixels[first..<first + 3]
      }
    }
    return Image(width: width, height: height, pixels: pixels)
  }

  /// What follows on the mark of Exif in the first segment that has one; nil where none is in front of the pixels.
  private static func exif(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
    let (mark, application, scan): ([UInt8], UInt8, UInt8) = (Array("Exif\0\0".utf8), 0xE1, 0xDA)
    var place = 2
    while place + 4 <= bytes.count, bytes[place] == 0xFF, bytes[place + 1] != scan {
      let count = Int(bytes[place + 2]) << 8 | Int(bytes[place + 3])
      guard count >= 2, place + 2 + count <= bytes.count else { return nil }
      let segment = bytes[place + 4..<place + 2 + count]
      if bytes[place + 1] == application, segment.starts(with: mark) { return segment.dropFirst(mark.count) }
      place += 2 + count
    }
    return nil
  }

  /// The orientation in the first directory of a TIFF file.
  private static func entry(_ tiff: ArraySlice<UInt8>) -> Int? {
    let isLittle = tiff.starts(with: Array("II".utf8))
    func number(_ place: Int, bytes count: Int) -> Int? {
      guard place >= 0, place + count <= tiff.count else { return nil }
      let part = tiff[tiff.startIndex + place..<tiff.startIndex + place + count]
      return (isLittle ? part.reversed() : Array(part)).reduce(0) { $0 << 8 | Int($1) }
    }
    guard isLittle || tiff.starts(with: Array("MM".utf8)), number(2, bytes: 2) == 42,
      let directory = number(4, bytes: 4), let count = number(directory, bytes: 2)
    else { return nil }
    for place in 0..<count where number(directory + 2 + 12 * place, bytes: 2) == 0x0112 {
      return number(directory + 2 + 12 * place + 8, bytes: 2).flatMap { (1...8).contains($0) ? $0 : nil }
    }
    return nil
  }
}
