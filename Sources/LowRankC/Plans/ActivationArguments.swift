internal import CLowRank
internal import Conv

/// A structure of the header that says what happens to each element of a result.
protocol ActivationMembers {
  var activation: lowrank_activation { get }
  var clip_low: Double { get }
  var clip_high: Double { get }
  var alpha: Double { get }
  var beta: Double { get }
  /// `slopes`, which is imported as a pointer that is never null.
  var slopeElements: UnsafePointer<Double>? { get }
  var slope_count: Int { get }
}

extension lowrank_plan_options: ActivationMembers {
  var slopeElements: UnsafePointer<Double>? { slopes }
}

extension lowrank_stage: ActivationMembers {
  var slopeElements: UnsafePointer<Double>? { slopes }
}

extension Activation {
  /// The activation of a result of so many channels, its parameters checked; `name` is the structure's.
  init(_ given: some ActivationMembers, channels: Int, _ name: String) throws(Failure) {
    switch given.activation {
    case LOWRANK_NO_ACTIVATION: self = .none
    case LOWRANK_RELU: self = .relu
    case LOWRANK_CLIP:
      do throws(ConvError) {
        self = try .bounds(low: given.clip_low, high: given.clip_high)
      } catch {
        throw Failure(error)
      }
    case LOWRANK_LEAKY_RELU: self = .leakyReLU(slope: try finite(given.alpha, "\(name)->alpha"))
    case LOWRANK_PRELU:
      let slopes = try buffer(given.slopeElements, count: given.slope_count, "\(name)->slopes")
      try requireCount(given.slope_count, channels, "\(name)->slopes")
      for (channel, slope) in slopes.enumerated() { _ = try finite(slope, "\(name)->slopes[\(channel)]") }
      self = .prelu(slopes: Array(slopes))
    case LOWRANK_SIGMOID: self = .sigmoid
    case LOWRANK_SILU: self = .silu
    case LOWRANK_HARD_SIGMOID:
      self = .hardSigmoid(
        slope: try finite(given.alpha, "\(name)->alpha"), offset: try finite(given.beta, "\(name)->beta"))
    case LOWRANK_HARD_SWISH: self = .hardSwish
    case LOWRANK_TANH: self = .tanh
    case LOWRANK_GELU: self = .gelu
    case LOWRANK_GELU_TANH: self = .geluTanh
    case LOWRANK_ELU: self = .elu(alpha: try finite(given.alpha, "\(name)->alpha"))
    default:
      throw Failure(
        LOWRANK_INVALID_ARGUMENT,
        "\(name)->activation is \(given.activation.rawValue), which is no activation")
    }
  }
}

/// A parameter of an activation: anything but infinities and NaN.
private func finite(_ value: Double, _ name: String) throws(Failure) -> Double {
  guard value.isFinite else { throw Failure(LOWRANK_INVALID_ARGUMENT, "\(name) is \(value), not finite") }
  return value
}
