import Tensors

/// Where an output position of a resampled axis reads.
struct ResizeCoordinates: Sendable {
  /// How positions of the output and of the input belong together.
  enum Transformation: String, CaseIterable, Sendable {
    case halfPixel = "half_pixel"
    case halfPixelSymmetric = "half_pixel_symmetric"
    case pytorchHalfPixel = "pytorch_half_pixel"
    case alignCorners = "align_corners"
    case asymmetric = "asymmetric"
    case tfHalfPixel = "tf_half_pixel_for_nn"
    case tfCropAndResize = "tf_crop_and_resize"
  }

  let transformation: Transformation
  let input: Int
  let output: Int
  /// The output's extent over the input's, as the model has it.
  let scale: Float
  /// The part of the input that is resized, of those that crop it.
  var region: (start: Float, end: Float) = (0, 1)

  /// The position in the input. In Float, as ONNX Runtime does, so that no nearest element is another there.
  func original(_ position: Int) -> Float {
    let x = Float(position)
    let (last, newLast) = (Float(input - 1), Float(output - 1))
    switch transformation {
    case .asymmetric: return x / scale
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return output > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .tfHalfPixel: return (x + 0.5) / scale
    case .alignCorners: return output > 1 ? x * last / newLast : 0
    case .halfPixelSymmetric:
      // What the rounding of the extent took away is taken from both ends.
      let adjustment = Float(output) / (scale * Float(input))
      let center = Float(input) / 2
      return center * (1 - adjustment) + (x + 0.5) / scale - 0.5
    case .tfCropAndResize:
      return output > 1
        ? region.start * last + x * (region.end - region.start) * last / newLast
        : 0.5 * (region.start + region.end) * last
    }
  }

  /// The positions that read outside, where those that crop give another value.
  var outside: [Int] {
    guard transformation == .tfCropAndResize else { return [] }
    return (0..<output).filter { original($0) < 0 || original($0) > Float(input - 1) }
  }
}
