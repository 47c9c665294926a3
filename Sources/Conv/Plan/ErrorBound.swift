import LinearAlgebra
import Tensors

/// What the error bound needs to know of a stage.
struct StageBound: Sendable {
  /// The largest sum over an output's weights of their absolute values.
  let gain: Double
  /// The largest absolute weight.
  let largest: Double
  /// The products in a sum.
  let products: Int
  /// The input channels of a group.
  let inputs: Int
  /// The largest absolute element of the bias.
  let largestBias: Double
  let activation: Activation

  // Every weight of a network passes here when it is loaded.
  @_specialize(where E == Float)
  @_specialize(where E == Double)
  init<E: LapackScalar>(_ stage: ConvolutionStage<E>) {
    let weights = stage.weights
    let (outputs, products) = (weights.shape[0], weights.count / max(1, weights.shape[0]))
    var (gain, largest) = (0.0, 0.0)
    weights.withSpan { w in
      for output in 0..<outputs {
        var sum = 0.0
        for i in (output * products)..<((output + 1) * products) {
          let size = abs(Double(w[i]))
          sum += size
          largest = max(largest, size)
        }
        gain = max(gain, sum)
      }
    }
    self.gain = gain
    self.largest = largest
    self.products = products
    inputs = weights.shape[1]
    largestBias = stage.bias?.elements.reduce(0) { max($0, abs(Double($1))) } ?? 0
    activation = stage.activation
  }

  /// A bound on the error that the stage adds, for inputs of at most `size`, summed up in any order.
  func error(inputsUpTo size: Double, form: WinogradForm?, epsilon: Double) -> Double {
    let direct = Double(products + 2) * epsilon * gain * size
    guard let form else { return direct }
    return Double(inputs + 24) * epsilon * form.growth * Double(inputs) * largest * size
  }
}

extension ConvolutionPlan {
  /// A bound on the absolute error of every element of the result, for inputs of at most `largest`.
  ///
  /// A stage by its definition adds (k + 2) epsilon times the largest sum of absolute weights times its largest input, k
  /// the products in a sum. A stage by Winograd's algorithm adds
  ///
  ///     (S + 24) epsilon growth S max|K| max|X|
  ///
  /// with S input channels and a growth, the largest row sum of |A^T| (|G| 1 . |B^T| 1), of 25 for F(4, 3), 68 for F(6, 3)
  /// and 87 for F(4, 5) along one axis, and squared for two: 64 for F(2x2, 3x3), 620 for F(4x4, 3x3), 2078 for F(5x5, 3x3)
  /// and 1389 for F(2x2, 5x5). A bias and a residual of no more than the largest sum add a rounding each; an activation
  /// multiplies errors by its largest slope and adds 64 epsilon of the largest sum, or of 1 where that is larger, but for a
  /// bound, which adds nothing. Errors and sizes grow through the stages behind by their gains. In practice errors are a
  /// hundredth of the bound, because roundings cancel.
  ///
  /// **Source** Barabasz et al., arXiv 1803.10986, section 3.
  public func errorBound(inputsUpTo largest: Double) -> Double {
    let epsilon = Double(Element.ulpOfOne)
    var (size, error) = (largest, 0.0)
    for (index, bound) in bounds.enumerated() {
      let local = bound.error(inputsUpTo: size + error, form: winogradForm(ofStage: index), epsilon: epsilon)
      error = error * bound.gain + local
      size *= bound.gain
      // The bias and the residual are added with one rounding each.
      error += 4 * epsilon * (size + error + bound.largestBias)
      size += bound.largestBias
      guard bound.activation != .none else { continue }
      error = max(1, bound.activation.gain) * error + bound.activation.roundings * epsilon * max(1, size)
      size = bound.activation.largest(ofSumsUpTo: size)
    }
    return error
  }
}

extension Activation {
  /// The roundings of a result, in epsilons of the largest sum, or of 1 where that is larger.
  var roundings: Double {
    switch self {
    case .none, .relu, .clip: 0
    default: 64
    }
  }
}
