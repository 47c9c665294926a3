internal import CImages
public import TensorFiles

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A picture of red, green and blue bytes, row by row.
public struct Image: Equatable {
  /// Pixels of a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Three bytes a pixel.
  public let pixels: [UInt8]

  /// The most pixels of an image; its bytes are asked for only after a look at its size.
  private static var mostPixels: Int { 1 << 26 }

  /// An image of these pixels.
  ///
  /// **Traps** where there are not three bytes a pixel.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(pixels.count == 3 * width * height, "\(pixels.count) bytes for \(width)x\(height) pixels")
    (self.width, self.height, self.pixels) = (width, height, pixels)
  }

  /// Reads a PNG or JPEG file; opacity is ignored, grey becomes three equal colours, 16 bits become 8, and a photograph is
  /// turned as the camera that took it says in its Exif data.
  ///
  /// **Throws** `FileError` for other files, damaged or truncated ones, and images of more than 2^26 pixels.
  public init(contentsOf path: String) throws(FileError) {
    try self.init(bytes: [UInt8](try FileReader.bytes(ofFile: path)), path: path)
  }

  /// Reads a file that is in memory; `path` names it in errors.
  public init(bytes: [UInt8], path: String) throws(FileError) {
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
      try self.init(bytes, path, channels: 4, size: cimages_png_size, decode: cimages_png_decode)
    } else if bytes.starts(with: [0xFF, 0xD8]) {
      let stored = try Self(bytes, path, channels: 3, size: cimages_jpeg_size, decode: cimages_jpeg_decode)
      self = Orientation(jpeg: bytes).applied(to: stored)
    } else {
      throw FileError(path: path, reason: "this is neither a PNG nor a JPEG image")
    }
  }

  private typealias Message = [CChar]

  private init(
    _ bytes: [UInt8], _ path: String, channels: Int,
    size: (
      UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt32>?, UnsafeMutablePointer<UInt32>?,
      UnsafeMutablePointer<CChar>?
    ) -> Int32,
    decode: (
      UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<CChar>?
    ) -> Int32
  ) throws(FileError) {
    var message = Message(repeating: 0, count: Int(CIMAGES_MESSAGE_SIZE))
    func failure() -> FileError {
      let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return FileError(path: path, reason: "the image cannot be read: \(text)")
    }
    var (width, height): (UInt32, UInt32) = (0, 0)
    guard size(bytes, bytes.count, &width, &height, &message) == 0 else { throw failure() }
    let count = Int(width) * Int(height)
    guard count > 0, count <= Self.mostPixels else {
      throw FileError(
        path: path, reason: "an image of \(width)x\(height), more than the \(Self.mostPixels) pixels allowed")
    }
    var pixels = [UInt8](repeating: 0, count: channels * count)
    guard decode(bytes, bytes.count, &pixels, pixels.count, &message) == 0 else { throw failure() }
    if channels == 4 {
      for i in 0..<count {
        for c in 0..<3 { pixels[3 * i + c] = pixels[4 * i + c] }
      }
      pixels.removeLast(count)
    }
    self.init(width: Int(width), height: Int(height), pixels: pixels)
  }
}

extension Image {
  /// The image in another size.
  ///
  /// Each new pixel is the mean of the old ones under a triangle as wide as two new pixels (or two old ones, where the
  /// image grows): bilinear, without the aliasing of bilinear when images shrink.
  ///
  /// **Complexity** O(width' height + width' height') pixels by the triangle's width.
  public func resized(width newWidth: Int, height newHeight: Int) -> [Float] {
    let columns = Self.weights(from: width, to: newWidth)
    let rows = Self.weights(from: height, to: newHeight)
    var wide = [Float](repeating: 0, count: newWidth * height * 3)
    for y in 0..<height {
      for (x, taps) in columns.enumerated() {
        for (place, weight) in taps.weights.enumerated() {
          let source = 3 * (y * width + taps.first + place)
          for c in 0..<3 { wide[3 * (y * newWidth + x) + c] += weight * Float(pixels[source + c]) }
        }
      }
    }
    var result = [Float](repeating: 0, count: newWidth * newHeight * 3)
    for (y, taps) in rows.enumerated() {
      for (place, weight) in taps.weights.enumerated() {
        let source = 3 * newWidth * (taps.first + place)
        let target = 3 * newWidth * y
        for i in 0..<(3 * newWidth) { result[target + i] += weight * wide[source + i] }
      }
    }
    return result
  }

  private static func weights(from old: Int, to new: Int) -> [(first: Int, weights: [Float])] {
    let step = Double(old) / Double(new)
    let reach = max(step, 1)
    return (0..<new).map { i in
      let center = (Double(i) + 0.5) * step
      let first = max(0, Int((center - reach).rounded(.down)))
      let last = max(first, min(old - 1, Int((center + reach).rounded(.up))))
      let weights = (first...last).map { max(0, 1 - abs(Double($0) + 0.5 - center) / reach) }
      let sum = weights.reduce(0, +)
      return (first, weights.map { Float($0 / sum) })
    }
  }
}
