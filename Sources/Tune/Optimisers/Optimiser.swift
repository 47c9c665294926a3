#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import Gradients
import Tensors

/// How weights follow their gradients.
public enum Optimiser: String, Sendable, CaseIterable {
  /// Adam with weight decay of its own: Loshchilov and Hutter, arXiv 1711.05101; moments of 0.9 and 0.999.
  ///
  ///     m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2
  ///     w = w - rate (m' / (sqrt(v') + 1e-8) + decay w),   m' = m / (1 - b1^t), v' = v / (1 - b2^t)
  case adam
  /// Stochastic gradient descent with Nesterov's momentum of 0.9, as in PyTorch.
  ///
  ///     d = g + decay w,   m = 0.9 m + d,   w = w - rate (d + 0.9 m)
  case sgd
}

/// What an optimiser remembers of one weight.
struct Moments: Sendable, Equatable {
  var first: Tensor<Float>
  /// Adam's alone.
  var second: Tensor<Float>
  /// The steps so far.
  var steps: Int

  init(_ shape: Shape, _ optimiser: Optimiser) {
    first = Tensor(shape: shape, repeating: 0)
    second = Tensor(shape: optimiser == .adam ? shape : [0], repeating: 0)
    steps = 0
  }
}

extension Optimiser {
  /// One step of one weight.
  func update(
    _ weight: inout Tensor<Float>, _ gradient: Tensor<Float>, _ moments: inout Moments, rate: Double,
    decay: Double
  ) {
    precondition(weight.count == gradient.count, "a gradient of \(gradient.shape) for \(weight.shape)")
    moments.steps += 1
    switch self {
    case .adam: adam(&weight, gradient, &moments, rate, decay)
    case .sgd: nesterov(&weight, gradient, &moments, Float(rate), Float(decay))
    }
  }

  private func adam(
    _ weight: inout Tensor<Float>, _ gradient: Tensor<Float>, _ moments: inout Moments, _ rate: Double,
    _ decay: Double
  ) {
    let (b1, b2): (Float, Float) = (0.9, 0.999)
    moments.first.combine(gradient) { b1 * $0 + (1 - b1) * $1 }
    moments.second.combine(gradient) { b2 * $0 + (1 - b2) * $1 * $1 }
    let step = Float(rate / (1 - pow(0.9, Double(moments.steps))))
    let correction = Float(1 / (1 - pow(0.999, Double(moments.steps))).squareRoot())
    let kept = Float(1 - rate * decay)
    let direction = moments.first.combined(moments.second) { m, v in
      step * m / (v.squareRoot() * correction + 1e-8)
    }
    weight.combine(direction) { kept * $0 - $1 }
  }

  private func nesterov(
    _ weight: inout Tensor<Float>, _ gradient: Tensor<Float>, _ moments: inout Moments, _ rate: Float,
    _ decay: Float
  ) {
    let momentum: Float = 0.9
    let whole = decay == 0 ? gradient : gradient.combined(weight) { $0 + decay * $1 }
    moments.first.combine(whole) { momentum * $0 + $1 }
    let direction = moments.first.combined(whole) { momentum * $0 + $1 }
    weight.combine(direction) { $0 - rate * $1 }
  }
}
