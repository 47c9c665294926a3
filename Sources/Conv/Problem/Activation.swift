/// What happens to each element of a stage's result, behind the bias and the residual; a NaN stays one.
///
/// **Accuracy** Float results of exponentials are within some units of the last place: see `CKernels.h`.
public enum Activation: Hashable, Sendable {
  /// Nothing.
  case none
  /// `max(x, 0)`
  case relu
  /// `min(max(x, low), high)`; ReLU6 is `clip(low: 0, high: 6)`. Either bound may be infinite.
  ///
  /// Stages trap where `low` is over `high` or one of them is NaN, for which there is no order that the result would be in:
  /// bounds from outside go through `bounds(low:high:)`.
  case clip(low: Double, high: Double)
  /// `x`, and `slope x` for negative x.
  case leakyReLU(slope: Double)
  /// `x`, and `slopes[c] x` for negative x of channel c. Stages trap where there is not one slope for each channel.
  case prelu(slopes: [Double])
  /// `1 / (1 + exp(-x))`
  case sigmoid
  /// `x sigmoid(x)`, also called swish.
  case silu
  /// `min(max(slope x + offset, 0), 1)`; ONNX's defaults are 0.2 and 0.5, its HardSwish's 1 / 6 and 0.5.
  case hardSigmoid(slope: Double, offset: Double)
  /// `x min(max(x + 3, 0), 6) / 6`
  case hardSwish
  /// `scale h + shift`, h the hard swish of x: the affine block behind the activations of PP-LCNetV3.
  case scaledHardSwish(scale: Double, shift: Double)
  /// The hyperbolic tangent.
  case tanh
  /// `x (1 + erf(x / sqrt(2))) / 2`
  case gelu
  /// `x sigmoid(sqrt(8 / pi) (x + 0.044715 x^3))`
  case geluTanh
  /// `x`, and `alpha (exp(x) - 1)` for negative x.
  case elu(alpha: Double)

  /// `clip(low:high:)` with bounds that come from outside.
  ///
  /// **Throws** where `low` is over `high` or one of them is NaN.
  public static func bounds(low: Double, high: Double) throws(ConvError) -> Activation {
    guard low <= high else { throw .boundsNotInOrder(low: low, high: high) }
    return .clip(low: low, high: high)
  }

  /// What is wrong with the parameters for a stage of so many channels; nil where nothing is.
  func fault(channels: Int) -> String? {
    switch self {
    case .clip(let low, let high) where !(low <= high): "\(self): the bounds are not in order"
    case .prelu(let slopes) where slopes.count != channels: "\(slopes.count) slopes for \(channels) channels"
    default: nil
    }
  }

  /// The largest slope between any two numbers: how much an error of the sum can grow.
  var gain: Double {
    switch self {
    case .none, .relu, .clip, .tanh: 1
    case .leakyReLU(let slope): max(1, abs(slope))
    case .prelu(let slopes): slopes.reduce(1) { max($0, abs($1)) }
    case .sigmoid: 0.25
    case .silu: 1.1
    case .hardSigmoid(let slope, _): abs(slope)
    case .hardSwish: 1.5
    case .scaledHardSwish(let scale, _): 1.5 * abs(scale)
    case .gelu, .geluTanh: 1.13
    case .elu(let alpha): max(1, abs(alpha))
    }
  }

  /// The largest magnitude of a result for sums of at most `size`.
  func largest(ofSumsUpTo size: Double) -> Double {
    switch self {
    case .sigmoid, .hardSigmoid, .tanh: 1
    case .scaledHardSwish(let scale, let shift): abs(scale) * size + abs(shift)
    // The clip may put a sum on a bound that is larger than all sums.
    case .clip(let low, let high): max(size, low.isFinite ? abs(low) : 0, high.isFinite ? abs(high) : 0)
    default: max(1, gain) * size
    }
  }
}
