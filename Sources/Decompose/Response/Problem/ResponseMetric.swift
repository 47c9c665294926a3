import Forms
import LinearAlgebra
public import Tensors

/// How much errors of a layer's responses count, each of them and together: `e' M e` in the place of `e' e`.
///
/// With M a sum of `g g'` over gradients g of a network's outputs with respect to the responses, that is to first order the
/// squared error of the outputs that e causes (Gauss and Newton). A fit works in other coordinates, in which this is a plain
/// sum of squares again: responses `L y` and kernels `L K`, L the symmetric root of
///
///     (1 - r) M / m + r,   m the mean of M's diagonal, r = 0.01
///
/// so that no response is free to be anything. L is taken off the factor with the output channels at the end.
///
/// **Source** Martens and Grosse arXiv 1503.05671, section 2 (the factor of the outputs of a layer's curvature).
public struct ResponseMetric: Sendable, Equatable {
  /// L, [T, T].
  private let root: Tensor<Double>
  /// L^-1, [T, T].
  private let inverse: Tensor<Double>

  private static var leastPart: Double { 0.01 }

  /// The metric of a sum of `g g'`; nil where that is nothing or no numbers, or LAPACK fails on it.
  ///
  /// **Shapes** `gram` [T, T], symmetric. **Traps** for others.
  ///
  /// **Complexity** an eigenproblem of order T and two products.
  public init?(gram: Tensor<Double>) {
    let outputs = gram.shape[0]
    precondition(gram.shape == [outputs, outputs], "a metric of \(gram.shape)")
    let unit = gram.trace / Double(max(1, outputs))
    guard unit.isFinite, unit >= .leastNormalMagnitude, gram.isFinite,
      let eigen = try? reproducibly({ () throws(DecomposeError) in
        try wrapping { () throws(LinearAlgebraError) in try gram.symmetricEigendecomposition() }
      })
    else { return nil }
    let values = eigen.values.map { value in
      ((1 - Self.leastPart) * max(0, value / unit) + Self.leastPart).squareRoot()
    }
    let rows = eigen.vectors.permuted([1, 0])
    func function(_ scales: [Double]) -> Tensor<Double> {
      var scaled = rows
      scaleRows(&scaled, by: scales)
      return BLASLibrary.withThreads(1) { matrixProduct(rows, scaled, transposeA: true) }
    }
    (root, inverse) = (function(values), function(values.map { 1 / $0 }))
  }

  /// The output channels, T.
  public var responses: Int { root.shape[0] }

  /// Responses `L y` for responses y.
  ///
  /// **Shapes** both [k, T].
  public func weighed(responses rows: Tensor<Double>) -> Tensor<Double> {
    BLASLibrary.withThreads(1) { matrixProduct(rows, root) }
  }

  /// The sums of responses `L y` out of those of responses y.
  ///
  ///     sum of L y x' = L C,   sums of (L y)² = diag(2 (L K) (L C)' - (L K) G (L K)')
  ///
  /// with C the sum of `y x'` and G that of `x x'`: so no products of responses with each other are needed, where y is `K x`.
  ///
  /// **Shapes** `kernel` K, [T, S, D...]; sums of T responses and of patches of S D... numbers. **Traps** for others.
  ///
  /// **Accuracy** rounding; where y is only nearly `K x`, the squares lack `|L (y - K x)|²`.
  ///
  /// **Complexity** T n² + T² n multiplies.
  public func weighed(_ sums: ResponseMoments, kernel: Tensor<Float>) -> ResponseMoments {
    let (outputs, n) = (sums.responseCount, sums.patchCount)
    precondition(
      responses == outputs && kernel.shape[0] == outputs && kernel.count == outputs * n,
      "sums of \(outputs)x\(n) for a kernel of \(kernel.shape) and a metric of \(responses)")
    let rows = weighed(kernel.reshaped([outputs, n]).converted(to: Double.self))
    let cross = weighed(sums.crossGram)
    let given = BLASLibrary.withThreads(1) { matrixProduct(rows, sums.patchGram) }
    var energies = [Double](repeating: 0, count: outputs)
    rows.withSpan { rows in
      cross.withSpan { cross in
        given.withSpan { given in
          for i in rows.indices { energies[i / n] += rows[i] * (2 * cross[i] - given[i]) }
        }
      }
    }
    return ResponseMoments(
      count: sums.count, patchSum: sums.patchSum,
      responseSum: weighed(Tensor(shape: [outputs, 1], elements: sums.responseSum)).elements,
      patchGram: sums.patchGram, crossGram: cross, responseEnergy: energies.map { max(0, $0) })
  }

  /// What errors e count whose `e e'` come to a sum: `tr(L² sum)`, the sum of `|L e|²`.
  ///
  /// **Shapes** `gram` [T, T].
  public func size(ofErrors gram: Tensor<Double>) -> Double { root.innerProduct(weighed(gram)) }

  /// `L W`.
  ///
  /// **Shapes** both [T, ...].
  func weighed(_ kernel: Tensor<Double>) -> Tensor<Double> { Self.product(root, kernel) }

  /// `L^-1 W`.
  func restored(_ kernel: Tensor<Double>) -> Tensor<Double> { Self.product(inverse, kernel) }

  /// The factors of W for those of `L W`.
  func restored(_ factors: FactoredKernel<Float>) -> FactoredKernel<Float> {
    factors.mapOutputs { restored($0.converted()).converted() }
  }

  private static func product(_ matrix: Tensor<Double>, _ rows: Tensor<Double>) -> Tensor<Double> {
    let outputs = rows.shape[0]
    let unfolding = rows.reshaped([outputs, rows.count / max(1, outputs)])
    return BLASLibrary.withThreads(1) { matrixProduct(matrix, unfolding) }.reshaped(rows.shape)
  }
}
