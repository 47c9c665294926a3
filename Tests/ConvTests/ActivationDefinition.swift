import Conv
import Foundation

/// Activations by their definitions in Double, apart from those of the code under test.
extension Activation {
  /// Whether it only bounds, exactly.
  var isBound: Bool {
    switch self {
    case .none, .relu, .clip: true
    default: false
    }
  }

  func definition(_ x: Double, channel: Int) -> Double {
    func sigmoid(_ y: Double) -> Double { (1 + Foundation.tanh(y / 2)) / 2 }
    switch self {
    case .none: return x
    case .relu: return max(x, 0)
    case .clip(let low, let high): return min(max(x, low), high)
    case .leakyReLU(let slope): return max(x, 0) + slope * min(x, 0)
    case .prelu(let slopes): return max(x, 0) + slopes[channel] * min(x, 0)
    case .sigmoid: return 1 / (1 + exp(-x))
    case .silu: return x / (1 + exp(-x))
    case .hardSigmoid(let slope, let offset): return min(max(slope * x + offset, 0), 1)
    case .hardSwish: return x * min(max(x + 3, 0), 6) / 6
    case .scaledHardSwish(let scale, let shift): return scale * x * min(max(x + 3, 0), 6) / 6 + shift
    case .tanh: return 1 - 2 / (1 + exp(2 * x))
    case .gelu: return x * (1 + erf(x / 2.0.squareRoot())) / 2
    case .geluTanh:
      return x * sigmoid(2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * pow(x, 3)))
    case .elu(let alpha): return x < 0 ? alpha * (exp(x) - 1) : x
    }
  }

  /// The largest absolute slope.
  var steepness: Double {
    switch self {
    case .none, .relu, .clip, .tanh: 1
    case .leakyReLU(let slope): max(1, abs(slope))
    case .prelu(let slopes): max(1, slopes.map(abs).max() ?? 0)
    case .sigmoid: 0.25
    case .silu: 1.1
    case .hardSigmoid(let slope, _): abs(slope)
    case .hardSwish: 1.5
    case .scaledHardSwish(let scale, _): 1.5 * abs(scale)
    case .gelu, .geluTanh: 1.13
    case .elu(let alpha): max(1, abs(alpha))
    }
  }

  /// The roundings of a result: in units of its last place, in those of 1, and what subnormal results lose. Those of 1 are
  /// the definition's own where it subtracts, too: it is in Double, with some 2^-52.
  func roundings(_ x: Double) -> (relative: Double, absolute: Double, least: Double) {
    let least = 0x1p-140
    switch self {
    case .none, .relu, .clip: return (0, 0, 0)
    case .leakyReLU, .prelu: return (1, 0, least)
    // Product and sum, and the parameters' own roundings to Float.
    case .hardSigmoid(let slope, let offset): return (1, 2 * (abs(slope * x) + abs(offset)), least)
    // Those of the hard swish, times the scale, and those of the sum and of the shift to Float.
    case .scaledHardSwish(let scale, let shift):
      return (6, (0x1p-20 + 0x1p-20 * abs(x)) * abs(scale) + 0x1p-22 * abs(shift), least)
    case .geluTanh: return (6 + 3 * abs(1.6 * (x + 0.044715 * x * x * x)), 0x1p-20 + 0x1p-20 * abs(x), least)
    default: return (6, 0x1p-20 + 0x1p-20 * abs(x), least)
    }
  }
}
