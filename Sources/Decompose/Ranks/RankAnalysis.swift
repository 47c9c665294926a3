public import LinearAlgebra
public import Forms
public import Tensors

/// The decompositions of one kernel into a form with a single rank, factored once: the error of every rank, and the
/// factors of the rank that is chosen.
public protocol RankAnalysis<Element>: Sendable {
  /// The type of the kernel's elements.
  associatedtype Element: LapackScalar
  /// The kernel that was analysed.
  var kernel: Tensor<Element> { get }
  /// The largest rank, at which the form is exact to rounding.
  var maximumRank: Int { get }
  /// `||K||²` in the scale of the kernel.
  var totalEnergy: Double { get }
  /// The squared singular values of the matrix that the form truncates, descending; 0 or infinite where they leave
  /// Double's range.
  var energies: [Double] { get }
  /// The squared singular values of the matrix times `spectrumScale`, which always are within the range.
  var spectrum: [Double] { get }
  /// The power of two that brings the kernel's largest number between 1 and 2.
  var spectrumScale: Double { get }
  /// The form with a rank.
  func form(rank: Int) -> FactoredForm
  /// `||K - reconstruction|| / ||K||` of the best factors of a rank.
  func relativeError(rank: Int) -> Double
  /// The factors of a rank.
  func decomposition(rank: Int) throws(DecomposeError) -> Decomposition<Element>
}

extension RankAnalysis {
  /// The smallest rank within a relative error, rounded up to a multiple; nil where rounding alone exceeds it.
  ///
  /// **Complexity** a bisection: the error falls as the rank grows.
  public func rank(error: Double, multiple: Int = 1) -> Int? {
    guard relativeError(rank: maximumRank) <= error else { return nil }
    var (low, high) = (1, maximumRank)
    while low < high {
      let middle = (low + high) / 2
      if relativeError(rank: middle) <= error { high = middle } else { low = middle + 1 }
    }
    return roundedRank(low, multiple: multiple, extent: maximumRank)
  }

  /// The rank that retains a fraction of the energy, rounded up to a multiple.
  public func rank(energy fraction: Double, multiple: Int = 1) -> Int {
    roundedRank(
      Decompose.rank(retaining: fraction, of: spectrum), multiple: multiple, extent: maximumRank)
  }
}
