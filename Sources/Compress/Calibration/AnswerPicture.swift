import Network
import Tensors

/// An answer that is a picture or a map: the original network's, the finished one's and what lies between them, as bytes for
/// the eye.
public struct AnswerPicture: Sendable {
  /// The output.
  public let output: String
  /// Pixels of a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// 1 for grey, 3 for red, green and blue.
  public let channels: Int
  /// The original's answer, [height, width, channels], from its least to its largest number.
  public let original: [UInt8]
  /// The finished network's on the same scale.
  public let finished: [UInt8]
  /// The size of their difference, the largest of which is white.
  public let difference: [UInt8]
  /// The largest difference as a part of the original's range.
  public let largestDifference: Double

  /// Larger maps are shown by every n-th number of theirs.
  private static let mostPixels = 192

  /// The first map of an output of order 3 or 4; three channels are taken for colours, of others the first is shown.
  ///
  /// Nil where the tensors are none, or nothing varies.
  init?(output: String, _ original: NetworkTensor?, _ finished: NetworkTensor?) {
    guard let y = original?.floats, let z = finished?.floats, y.shape == z.shape,
      let layout = MapPlaces(y.shape)
    else { return nil }
    let step = max(1, (max(layout.width, layout.height) + Self.mostPixels - 1) / Self.mostPixels)
    (self.output, channels) = (output, layout.channels)
    (width, height) = ((layout.width + step - 1) / step, (layout.height + step - 1) / step)
    var values: [(Float, Float)] = []
    for row in stride(from: 0, to: layout.height, by: step) {
      for column in stride(from: 0, to: layout.width, by: step) {
        for channel in 0..<channels {
          let place = layout.place(row, column, channel)
          values.append((y.elements[place], z.elements[place]))
        }
      }
    }
    let least = values.map(\.0).min() ?? 0
    let range = (values.map(\.0).max() ?? 0) - least
    let most = values.map { ($0 - $1).magnitude }.max() ?? 0
    guard range > 0, range.isFinite, most.isFinite else { return nil }
    func byte(_ part: Float) -> UInt8 { UInt8(max(0, min(255, part * 255))) }
    self.original = values.map { byte(($0.0 - least) / range) }
    self.finished = values.map { byte(($0.1 - least) / range) }
    difference = values.map { most > 0 ? byte(($0.0 - $0.1).magnitude / most) : 0 }
    largestDifference = Double(most / range)
  }
}

/// Where the numbers of the first map of a tensor lie.
private struct MapPlaces {
  let width: Int
  let height: Int
  let channels: Int
  private let strides: (row: Int, column: Int, channel: Int)

  /// [N, H, W], [N, C, H, W], or [N, H, W, C] where the last extent is at most 4 and the second larger; nil for others.
  init?(_ shape: Shape) {
    guard shape.order == 3 || shape.order == 4, shape.count > 0 else { return nil }
    let axes: (channel: Int?, row: Int, column: Int)
    if shape.order == 3 {
      axes = (nil, 1, 2)
    } else {
      axes = shape[3] <= 4 && shape[1] > 4 ? (3, 1, 2) : (1, 2, 3)
    }
    (height, width) = (shape[axes.row], shape[axes.column])
    channels = axes.channel.map { shape[$0] } == 3 ? 3 : 1
    strides = (
      shape.strides[axes.row], shape.strides[axes.column], axes.channel.map { shape.strides[$0] } ?? 0
    )
    // A row of numbers is no picture.
    guard height > 3, width > 3 else { return nil }
  }

  func place(_ row: Int, _ column: Int, _ channel: Int) -> Int {
    row * strides.row + column * strides.column + channel * strides.channel
  }
}
