internal import CKernels
import Tensors

/// A stage's bias and activation as the kernels read them: written once, then only read.
///
/// Three structures on the same arrays: everything at once; and, where a residual comes between them, the bias alone and the
/// activation alone.
final class PackedEpilogue: @unchecked Sendable {
  // Sendable because nothing writes to the structures after `init`.
  private let arrays: [PackedWeights]
  private let structures: UnsafeMutablePointer<lowrank_epilogue>
  /// Bias and activation; nil where there is neither. So with the others.
  let whole: UnsafePointer<lowrank_epilogue>?
  let biasAlone: UnsafePointer<lowrank_epilogue>?
  let activationAlone: UnsafePointer<lowrank_epilogue>?
  /// The bias, one for each channel.
  var bias: UnsafePointer<Float>? { structures.pointee.bias }

  init(bias: Tensor<Float>?, activation: Activation) {
    let parameters = activation.parameters
    let slopes = activation.slopes.map { slopes in Self.array(slopes.count) { Float(slopes[$0]) } }
    let packedBias = bias.map { bias in
      let elements = bias.elements
      return Self.array(elements.count) { elements[$0] }
    }
    arrays = [packedBias, slopes].compactMap { $0 }
    let none = lowrank_epilogue(
      activation: LOWRANK_ACTIVATION_NONE, alpha: 0, beta: 0, bias: packedBias?.base, slopes: nil)
    let alone = lowrank_epilogue(
      activation: parameters.kind, alpha: parameters.alpha, beta: parameters.beta, bias: nil,
      slopes: slopes?.base)
    var both = alone
    both.bias = none.bias
    structures = .allocate(capacity: 3)
    structures.initialize(to: both)
    (structures + 1).initialize(to: none)
    (structures + 2).initialize(to: alone)
    let (hasBias, acts) = (packedBias != nil, parameters.kind != LOWRANK_ACTIVATION_NONE)
    whole = hasBias || acts ? UnsafePointer(structures) : nil
    biasAlone = hasBias ? UnsafePointer(structures + 1) : nil
    activationAlone = acts ? UnsafePointer(structures + 2) : nil
  }

  deinit { structures.deallocate() }

  /// An array with zeros behind it, so that the longest vector may be read from any element on.
  private static func array(_ count: Int, _ element: (Int) -> Float) -> PackedWeights {
    PackedWeights(count: count + 15) { target in
      for i in 0..<count { target[i] = element(i) }
    }
  }
}

extension Activation {
  fileprivate var slopes: [Double]? {
    if case .prelu(let slopes) = self { slopes } else { nil }
  }

  /// The activation's number among those of the kernels, and its parameters.
  package var kernelParameters: (kind: UInt32, alpha: Float, beta: Float) {
    let parameters = parameters
    return (parameters.kind.rawValue, parameters.alpha, parameters.beta)
  }

  fileprivate var parameters: (kind: lowrank_epilogue_activation, alpha: Float, beta: Float) {
    switch self {
    case .none: (LOWRANK_ACTIVATION_NONE, 0, 0)
    case .relu: (LOWRANK_ACTIVATION_CLIP, 0, .infinity)
    case .clip(let low, let high): (LOWRANK_ACTIVATION_CLIP, Float(low), Float(high))
    case .leakyReLU(let slope): (LOWRANK_ACTIVATION_LEAKY_RELU, Float(slope), 0)
    case .prelu: (LOWRANK_ACTIVATION_PRELU, 0, 0)
    case .sigmoid: (LOWRANK_ACTIVATION_SIGMOID, 0, 0)
    case .silu: (LOWRANK_ACTIVATION_SILU, 0, 0)
    case .hardSigmoid(let slope, let offset):
      (LOWRANK_ACTIVATION_HARD_SIGMOID, Float(slope), Float(offset))
    case .hardSwish: (LOWRANK_ACTIVATION_HARD_SWISH, 0, 0)
    case .scaledHardSwish(let scale, let shift):
      (LOWRANK_ACTIVATION_SCALED_HARD_SWISH, Float(scale), Float(shift))
    case .tanh: (LOWRANK_ACTIVATION_TANH, 0, 0)
    case .gelu: (LOWRANK_ACTIVATION_GELU, 0, 0)
    case .geluTanh: (LOWRANK_ACTIVATION_GELU_TANH, 0, 0)
    case .elu(let alpha): (LOWRANK_ACTIVATION_ELU, Float(alpha), 0)
    }
  }
}
