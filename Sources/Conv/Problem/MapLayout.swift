/// How the maps of a batch lie in memory: which axis runs fastest, and how far neighbours are apart.
///
///     channel-first   element (n, c, p) at  n imageStride + c stride + p
///     channel-last    element (n, c, p) at  n imageStride + p stride + c
///
/// with p the position in row-major order. A stride that is not given is that of maps without gaps; a larger one makes the
/// maps a slice of larger ones, as where a concatenation is written in place.
public struct MapLayout: Hashable, Sendable {
  /// The axis whose elements lie side by side.
  public enum Order: Hashable, Sendable {
    /// Positions, as in ONNX and PyTorch: NCHW.
    case channelFirst
    /// Channels, as in TensorFlow: NHWC.
    case channelLast
  }

  /// The axis whose elements lie side by side.
  public let order: Order
  /// Elements between neighbouring channels of channel-first maps, or neighbouring pixels of channel-last ones.
  public let stride: Int?
  /// Elements between neighbouring images.
  public let imageStride: Int?

  /// Maps of any order and strides.
  public init(_ order: Order, stride: Int? = nil, imageStride: Int? = nil) {
    self.order = order
    self.stride = stride
    self.imageStride = imageStride
  }

  /// Channel-first maps without gaps.
  public static let channelFirst = MapLayout(.channelFirst)
  /// Channel-last maps without gaps.
  public static let channelLast = MapLayout(.channelLast)
}

/// A layout whose extents are known.
struct MapStrides: Hashable, Sendable {
  let order: MapLayout.Order
  /// Elements between neighbouring images, channels and positions.
  let image: Int
  let channel: Int
  let position: Int
  /// Elements from the first to behind the last.
  let span: Int
  /// Whether there are no gaps.
  let isDense: Bool

  /// **Throws** where a stride is too small for neighbours not to overlap, or the span overflows.
  init(
    _ layout: MapLayout, batch: Int, channels: Int, positions: Int, of what: String
  ) throws(ConvError) {
    order = layout.order
    let (outer, inner) = order == .channelFirst ? (channels, positions) : (positions, channels)
    let step = layout.stride ?? inner
    guard step >= inner, step < 1 << 31 else {
      throw .outOfRange(what: "\(what)'s stride", value: step)
    }
    let (block, overflow) = (outer - 1).multipliedReportingOverflow(by: step)
    guard !overflow, block < 1 << 60 else { throw .tooLarge(what: what) }
    let image = layout.imageStride ?? (block + step)
    guard image >= block + inner else {
      throw .outOfRange(what: "\(what)'s stride of images", value: image)
    }
    let (images, overflows) = (batch - 1).multipliedReportingOverflow(by: image)
    guard !overflows, images < 1 << 60 else { throw .tooLarge(what: what) }
    self.image = image
    (channel, position) = order == .channelFirst ? (step, 1) : (1, step)
    span = images + block + inner
    isDense = step == inner && (batch == 1 || image == outer * inner)
  }

  var isChannelLast: Bool { order == .channelLast }

  /// Images of one pixel, as the pixels of one channel-last image.
  private init(pixels strides: MapStrides) {
    order = .channelLast
    (image, channel, position) = (0, 1, strides.image)
    (span, isDense) = (strides.span, strides.isDense)
  }

  /// The images of one pixel each as the pixels of one channel-last image; nil where channels do not lie side by side.
  var imagesAsPixels: MapStrides? { channel == 1 ? MapStrides(pixels: self) : nil }
}

/// The layouts of what a plan reads and writes.
struct MapEnds: Hashable, Sendable {
  let input: MapStrides
  let output: MapStrides

  /// Those of images of one pixel each as the pixels of one image; nil where channels do not lie side by side.
  var imagesAsPixels: MapEnds? {
    guard let input = input.imagesAsPixels, let output = output.imagesAsPixels else { return nil }
    return MapEnds(input: input, output: output)
  }
}
