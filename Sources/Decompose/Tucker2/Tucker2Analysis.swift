public import LinearAlgebra
public import Tensors

/// Everything about a kernel's Tucker-2 decompositions that does not depend on the ranks: both spectra, and the
/// error of the truncated HOSVD for every pair of ranks.
///
/// Analyse once, then ask for ranks by energy, by error or by cost, and for decompositions, without factoring again.
///
/// The kernel is analysed at unit scale (its largest number between 1 and 2), so that energies do not leave Double's range
/// on the way to ranks and errors; `outputEnergies`, `inputEnergies` and `totalEnergy` are those of the kernel as it is, 0 or
/// infinite where they leave it.
///
/// **Complexity** two Gram matrices and full eigendecompositions in Double (T³ and S³), T S D (T + S) multiplies for
/// the rotated core; a table of (T + 1)(S + 1) Doubles is kept.
///
/// **Source** De Lathauwer et al. 2000 (HOSVD, ordering of the core).
public struct Tucker2Analysis<Element: LapackScalar>: Sendable {
  /// The kernel that was analysed, [T, S, D...].
  public let kernel: Tensor<Element>
  /// The energies (squared singular values) of the mode-1 unfolding, descending; one an output channel.
  public var outputEnergies: [Double] { unscaled(outputSpectrum) }
  /// The energies of the mode-2 unfolding, descending; one an input channel.
  public var inputEnergies: [Double] { unscaled(inputSpectrum) }
  /// `||K||²`.
  public var totalEnergy: Double { unscaled([total])[0] }

  /// What the kernel was multiplied by, and the energies of the product.
  let scale: Double
  let outputSpectrum: [Double]
  let inputSpectrum: [Double]
  private let total: Double
  /// Eigenvectors as rows, [T, T] and [S, S], in the order of the energies.
  let rows1: Tensor<Element>
  let rows2: Tensor<Element>
  /// `discarded[r1 (S + 1) + r2]` is the energy of the core outside its leading r1 x r2 part.
  private let discarded: [Double]

  /// Analyses a kernel.
  ///
  /// **Throws** `DecomposeError` for a kernel without elements or with numbers that are not finite.
  public init(_ kernel: Tensor<Element>) throws(DecomposeError) {
    try kernel.requireKernel(form: "Tucker-2")
    let (outputs, inputs) = (kernel.shape[0], kernel.shape[1])
    let taps = kernel.count / (outputs * inputs)
    self.kernel = kernel
    let (tensor, scale) = kernel.atUnitScale()
    self.scale = Double(scale)
    ((outputSpectrum, rows1), (inputSpectrum, rows2)) = try reproducibly { () throws(DecomposeError) in
      (try Self.eigen(of: tensor, mode: 1), try Self.eigen(of: tensor, mode: 2))
    }
    let (rows1, rows2) = (rows1, rows2)
    let core2 = BLASLibrary.withThreads(1) {
      let half = matrixProduct(rows1, tensor.unfolded(mode: 1)).reshaped([outputs, inputs, taps])
      return matrixProduct(rows2, half.unfolded(mode: 2))
    }
    discarded = Self.discardedEnergies(core2, outputs: outputs, inputs: inputs, taps: taps)
    total = discarded[0]
  }

  /// Divided twice: the square of the scale itself may leave Double's range.
  private func unscaled(_ energies: [Double]) -> [Double] { energies.map { $0 / scale / scale } }

  private static func eigen(
    of kernel: Tensor<Element>, mode: Int
  ) throws(DecomposeError) -> ([Double], Tensor<Element>) {
    let gram = kernel.gramMatrix(mode: mode)
    let eigen = try wrapping { () throws(LinearAlgebraError) in try gram.symmetricEigendecomposition() }
    // Rounding can leave an eigenvalue of a Gram matrix a little under zero.
    return (eigen.values.map { max(0, $0) }, eigen.vectors.permuted([1, 0]).converted())
  }

  /// Sums of the squares of the core outside of every leading part, from sums alone: differences would lose the small ones.
  ///
  /// First `table[r1, r2]` is what row r1 - 1 holds from column r2 on; then, downwards, what rows from r1 on hold is added to
  /// what the rows above hold from column r2 on.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  private static func discardedEnergies(
    _ core2: Tensor<Element>, outputs: Int, inputs: Int, taps: Int
  ) -> [Double] {
    let width = inputs + 1
    var table = [Double](repeating: 0, count: (outputs + 1) * width)
    core2.withSpan { core in
      for s in (0..<inputs).reversed() {
        for t in 0..<outputs {
          var sum = 0.0
          let start = (s * outputs + t) * taps
          for i in start..<(start + taps) { sum += Double(core[i]) * Double(core[i]) }
          table[(t + 1) * width + s] = sum + table[(t + 1) * width + s + 1]
        }
      }
    }
    var below = [Double](repeating: 0, count: outputs + 1)
    for t in (0..<outputs).reversed() { below[t] = below[t + 1] + table[(t + 1) * width] }
    for t in 1...outputs {
      for s in 0...inputs { table[t * width + s] += table[(t - 1) * width + s] }
    }
    for t in 0...outputs {
      for s in 0...inputs { table[t * width + s] += below[t] }
    }
    return table
  }

  /// The relative error of the truncated HOSVD with these ranks; sweeps of HOOI only lower it.
  ///
  /// **Traps** where a rank is outside `0...T` or `0...S`.
  public func relativeError(outputRank: Int, inputRank: Int) -> Double {
    guard total > 0 else { return 0 }
    return (discarded[outputRank * (kernel.shape[1] + 1) + inputRank] / total).squareRoot()
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
    return try reproducibly { () throws(DecomposeError) in
      try HigherOrderOrthogonalIteration(
        outputRank: outputRank, inputRank: inputRank, start: (rows1: rows1, rows2: rows2)
      ).run(kernel, bound: hosvdBound(outputRank: outputRank, inputRank: inputRank))
    }
  }

  private func hosvdBound(outputRank: Int, inputRank: Int) -> Double {
    guard total > 0 else { return 0 }
    let discarded =
      outputSpectrum.dropFirst(outputRank).reduce(0, +) + inputSpectrum.dropFirst(inputRank).reduce(0, +)
    return (discarded / total).squareRoot()
  }
}
