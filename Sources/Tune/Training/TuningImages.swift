public import Tensors

/// Where the images come from.
public protocol TuningImages: Sendable {
  /// The number of images.
  var count: Int { get }

  /// The looks at each image, such as crops, that an epoch and a judgement take.
  var views: Int { get }

  /// Some looks at images as one input: place p is look `p / count` at image `p % count`.
  ///
  /// `variation` is nil for looks that are always the same; else a number that random flips and crops come from, the same for
  /// the same number and place, whatever places are beside it.
  ///
  /// **Shapes** [images, ...], of one shape for all of a run but for the number of images.
  ///
  /// **Throws** `TuneError.data` where an image cannot be had.
  func batch(_ places: [Int], variation: UInt64?) throws(TuneError) -> Tensor<Float>
}
