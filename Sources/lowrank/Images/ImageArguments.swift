import ArgumentParser
import Images
import ModelGraph
import Network
import TensorFiles
import Tensors

/// How images become inputs: `(byte - mean) * scale` for each colour.
struct ImageArguments: ParsableArguments {
  @Option(help: "For images: what is taken off each byte, one number or one a colour: 123.7,116.3,103.5.")
  var mean = Numbers(0)

  @Option(help: "For images: what the difference is multiplied by, one number or one a colour.")
  var scale = Numbers(1)

  @Flag(help: "For images: the order of the colours.") var colors = ColorOrder.rgb

  @Option(help: "For images: a size WxH to stretch them to, or fit for the model's own.")
  var resize: Resizing?

  /// The order of the colours in the input.
  enum ColorOrder: String, EnumerableFlag { case rgb, bgr }

  /// `WxH` or `fit`
  enum Resizing: ExpressibleByArgument {
    case fit
    case size(width: Int, height: Int)

    init?(argument: String) {
      if argument == "fit" {
        self = .fit
        return
      }
      let numbers = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
      guard numbers.count == 2, numbers.allSatisfy({ (1...1 << 15).contains($0) }),
        numbers[0] * numbers[1] <= 1 << 26
      else { return nil }
      self = .size(width: numbers[0], height: numbers[1])
    }
  }

  /// `a` or `a,b,c`
  struct Numbers: ExpressibleByArgument {
    let values: [Float]

    init(_ value: Float) { values = [value] }

    init?(argument: String) {
      let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) ?? .nan }
      guard values.count == 1 || values.count == 3, values.allSatisfy(\.isFinite) else { return nil }
      self.values = values
    }

    var defaultValueDescription: String { values.map { "\($0)" }.joined(separator: ",") }

    subscript(color: Int) -> Float { values.count == 1 ? values[0] : values[color] }
  }

  /// Whether anything is said of how images are prepared.
  private var isGiven: Bool {
    mean.values != [0] || scale.values != [1] || colors != .rgb || resize != nil
  }

  /// **Throws** `FileError` where images are to be prepared and this file is an array, which is taken as it is.
  func requireNothing(for path: String) throws(FileError) {
    guard isGiven else { return }
    throw FileError(
      path: path,
      reason:
        "--mean, --scale, --bgr and --resize are for image files, and an array is taken as it is: prepare its numbers before, or"
        + " leave them out")
  }

  /// An image file as the elements of one image of an input.
  ///
  /// **Throws** `FileError` where the file is no image, or of another size than the input.
  func elements(of path: String, for layout: ImageLayout) throws(FileError) -> (Shape, [Float]) {
    let image = try Image(contentsOf: path)
    let (width, height) = try size(for: image, layout, path)
    var colors = image.pixels.map { Float($0) }
    if width != image.width || height != image.height {
      colors = image.resized(width: width, height: height)
    }
    let positions = width * height
    var elements = [Float](repeating: 0, count: layout.channels * positions)
    for i in 0..<positions {
      for channel in 0..<layout.channels {
        let target = layout.isChannelLast ? i * layout.channels + channel : channel * positions + i
        if layout.channels == 1 {
          // The brightness of ITU-R BT.601, as image tools have it.
          let grey = 0.299 * colors[3 * i] + 0.587 * colors[3 * i + 1] + 0.114 * colors[3 * i + 2]
          elements[target] = (grey - mean[0]) * scale[0]
        } else {
          let color = self.colors == .rgb ? channel : 2 - channel
          elements[target] = (colors[3 * i + color] - mean[channel]) * scale[channel]
        }
      }
    }
    let extents = layout.isChannelLast ? [height, width, layout.channels] : [layout.channels, height, width]
    return (Shape(extents), elements)
  }

  private func size(
    for image: Image, _ layout: ImageLayout, _ path: String
  ) throws(FileError) -> (width: Int, height: Int) {
    let size: (width: Int, height: Int)
    switch resize {
    case .size(let width, let height): size = (width, height)
    case .fit: size = (layout.width ?? image.width, layout.height ?? image.height)
    case nil: size = (image.width, image.height)
    }
    guard size.width == layout.width ?? size.width, size.height == layout.height ?? size.height else {
      let wanted = "\(layout.width.map(String.init) ?? "?")x\(layout.height.map(String.init) ?? "?")"
      throw FileError(
        path: path,
        reason: "\(size.width)x\(size.height) pixels, the model takes \(wanted): give --resize fit")
    }
    return size
  }
}

/// Where an input has the axes of images.
struct ImageLayout {
  let channels: Int
  let isChannelLast: Bool
  /// Nil where the model leaves it open.
  let height: Int?
  /// Nil where the model leaves it open.
  let width: Int?

  /// Channels are the axis of extent 1 or 3, the second one if both are.
  ///
  /// **Throws** `FileError` where the input takes no images; `path` is the model's.
  init(_ info: ValueInfo, path: String) throws(FileError) {
    guard let extents = info.extents, extents.count == 4, info.dataType?.elementType != nil else {
      throw FileError(
        path: path, reason: "the input '\(info.name)' of \(info.shapeText) takes no images of four axes")
    }
    if let channels = extents[1], channels == 1 || channels == 3 {
      (self.channels, isChannelLast, height, width) = (channels, false, extents[2], extents[3])
    } else if let channels = extents[3], channels == 1 || channels == 3 {
      (self.channels, isChannelLast, height, width) = (channels, true, extents[1], extents[2])
    } else {
      throw FileError(
        path: path, reason: "the input '\(info.name)' of \(info.shapeText) has no axis of 1 or 3 colours")
    }
  }
}
