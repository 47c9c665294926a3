public import LinearAlgebra
public import TensorCore

/// Everything about a kernel's Tucker-2 decompositions that does not depend on the ranks: both spectra, and the
/// error of the truncated HOSVD for every pair of ranks.
///
/// Analyse once, then ask for ranks by energy, by error or by cost, and for decompositions, without factoring again.
///
/// **Complexity** two Gram matrices and full eigendecompositions in Double (T³ and S³), T S D (T + S) multiplies for
/// the rotated core; a table of (T + 1)(S + 1) Doubles is kept.
///
/// **Source** De Lathauwer et al. 2000 (HOSVD, ordering of the core).
public struct Tucker2Analysis<Element: LapackScalar>: Sendable {
  /// The kernel that was analysed, [T, S, D...].
  public let kernel: Tensor<Element>
  /// The energies (squared singular values) of the mode-1 unfolding, descending; one an output channel.
  public let outputEnergies: [Double]
  /// The energies of the mode-2 unfolding, descending; one an input channel.
  public let inputEnergies: [Double]
  /// `||K||²`.
  public let totalEnergy: Double

  /// Eigenvectors as rows, [T, T] and [S, S], in the order of the energies.
  let rows1: Tensor<Element>
  let rows2: Tensor<Element>
  /// `retained[r1 (S + 1) + r2]` is the energy of the core's leading r1 x r2 part.
  private let retained: [Double]

  /// Analyses a kernel.
  ///
  /// **Throws** `DecomposeError` for a kernel without elements or with numbers that are not finite.
  public init(_ kernel: Tensor<Element>) throws(DecomposeError) {
    try kernel.requireKernel(form: "Tucker-2")
    let (outputs, inputs) = (kernel.shape[0], kernel.shape[1])
    let taps = kernel.count / (outputs * inputs)
    self.kernel = kernel
    totalEnergy = kernel.squaredNorm
    (outputEnergies, rows1) = try Self.eigen(of: kernel, mode: 1)
    (inputEnergies, rows2) = try Self.eigen(of: kernel, mode: 2)
    let half = matrixProduct(rows1, kernel.unfolded(mode: 1)).reshaped([outputs, inputs, taps])
    let core2 = matrixProduct(rows2, half.unfolded(mode: 2))
    retained = Self.retainedEnergies(core2, outputs: outputs, inputs: inputs, taps: taps)
  }

  private static func eigen(
    of kernel: Tensor<Element>, mode: Int
  ) throws(DecomposeError) -> ([Double], Tensor<Element>) {
    let gram = kernel.gramMatrix(mode: mode)
    let eigen = try wrapping { () throws(LinearAlgebraError) in try gram.symmetricEigendecomposition() }
    // Rounding can leave an eigenvalue of a Gram matrix a little under zero.
    return (eigen.values.map { max(0, $0) }, eigen.vectors.permuted([1, 0]).converted())
  }

  /// Two-dimensional prefix sums of the squares of the core, summed over the spatial axes.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  private static func retainedEnergies(
    _ core2: Tensor<Element>, outputs: Int, inputs: Int, taps: Int
  ) -> [Double] {
    let width = inputs + 1
    var table = [Double](repeating: 0, count: (outputs + 1) * width)
    core2.withSpan { core in
      for s in 0..<inputs {
        for t in 0..<outputs {
          var sum = 0.0
          let start = (s * outputs + t) * taps
          for i in start..<(start + taps) { sum += Double(core[i]) * Double(core[i]) }
          let (above, left, corner) = (t * width + s + 1, (t + 1) * width + s, t * width + s)
          table[(t + 1) * width + s + 1] = sum + table[above] + table[left] - table[corner]
        }
      }
    }
    return table
  }

  /// The relative error of the truncated HOSVD with these ranks; sweeps of HOOI only lower it.
  ///
  /// **Traps** where a rank is outside `0...T` or `0...S`.
  public func relativeError(outputRank: Int, inputRank: Int) -> Double {
    guard totalEnergy > 0 else { return 0 }
    let kept = retained[outputRank * (kernel.shape[1] + 1) + inputRank]
    return (max(0, totalEnergy - kept) / totalEnergy).squareRoot()
  }

  /// The Tucker-2 decomposition with the given ranks: the truncated HOSVD, improved by HOOI.
  ///
  /// **Throws** `DecomposeError` for a rank out of range.
  ///
  /// **Accuracy** `errorBound` is the HOSVD bound of these ranks, `relativeError` at most
  /// `relativeError(outputRank:inputRank:)` to rounding.
  public func decomposition(outputRank: Int, inputRank: Int) throws(DecomposeError) -> Decomposition<Element>
  {
    try requireRank(outputRank, "output rank", upTo: kernel.shape[0], kernel: kernel.shape)
    try requireRank(inputRank, "input rank", upTo: kernel.shape[1], kernel: kernel.shape)
    return try iterate(
      kernel, rows1: rows1, rows2: rows2, outputRank: outputRank, inputRank: inputRank,
      bound: hosvdBound(outputRank: outputRank, inputRank: inputRank))
  }

  private func hosvdBound(outputRank: Int, inputRank: Int) -> Double {
    guard totalEnergy > 0 else { return 0 }
    let discarded =
      outputEnergies.dropFirst(outputRank).reduce(0, +) + inputEnergies.dropFirst(inputRank).reduce(0, +)
    return (discarded / totalEnergy).squareRoot()
  }
}
