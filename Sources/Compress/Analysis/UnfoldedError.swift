import Tensors

/// The relative error of a kernel before a BatchNormalization scaled its output channels, from the scaled kernel and its
/// reconstruction:
///
///     sqrt( sum over t of ||K_t - K'_t||² / s_t²  /  sum over t of ||K_t||² / s_t² )
///
/// A channel of scale 0 is left out: whatever its kernel was, nothing of it is left.
struct UnfoldedError {
  private var lost = 0.0
  private var whole = 0.0
  private let scale: [Double]
  /// The least scale but 0. Weights of `(least / s_t)²` give the same quotient and cannot overflow.
  private let least: Double

  init(scale: [Double]) {
    self.scale = scale
    least = scale.lazy.map(\.magnitude).filter { $0 > 0 }.min() ?? 1
  }

  /// Adds the channels from `first` on.
  ///
  /// **Shapes** both tensors [T, ...], `first + T` at most the number of scales.
  mutating func add(_ kernel: Tensor<Float>, _ reconstruction: Tensor<Float>, from first: Int) {
    precondition(kernel.shape == reconstruction.shape, "\(kernel.shape) beside \(reconstruction.shape)")
    let channel = kernel.count / max(1, kernel.shape[0])
    kernel.withSpan { kernel in
      reconstruction.withSpan { other in
        for t in 0..<(kernel.count / max(1, channel)) where scale[first + t] != 0 {
          let weight = least / scale[first + t]
          for i in (t * channel)..<((t + 1) * channel) {
            let value = weight * Double(kernel[i])
            let difference = weight * (Double(kernel[i]) - Double(other[i]))
            whole += value * value
            lost += difference * difference
          }
        }
      }
    }
  }

  /// The error of all channels added; nil where it is no finite number.
  var value: Double? {
    guard lost != 0 else { return 0 }
    let error = (lost / whole).squareRoot()
    return error.isFinite ? error : nil
  }
}
