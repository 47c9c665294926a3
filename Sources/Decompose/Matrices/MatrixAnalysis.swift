public import LinearAlgebra
public import Forms
public import Tensors

/// The spectrum of a matrix, and its truncated singular value decompositions.
///
///     W ~ left right,   left = U sqrt(s),   right = sqrt(s) V^T
///
/// A Float matrix is analysed by the eigenvalues of its Gram matrix in Double, on the shorter side: that finds every
/// singular value above 1e-8 of the largest, less than Float can tell from zero, in a fraction of an SVD's time. A
/// Double matrix is given to the SVD itself.
///
/// **Shapes** a kernel of [T, S] or [T, S, 1...]; `left` [T, R], `right` [R, S].
///
/// **Complexity** for Float, min(T, S) T S / 2 multiplies for the Gram matrix and 2/3 min(T, S)³ for the spectrum, and
/// for each decomposition the leading eigenvectors; for Double one thin SVD, which is kept.
///
/// **Source** Eckart and Young 1936; Golub and Van Loan, section 8.6; LAPACK `syevd`, `syevr`, `gesdd`.
public struct MatrixAnalysis<Element: LapackScalar>: RankAnalysis {
  /// The kernel that was analysed.
  public let kernel: Tensor<Element>
  /// The squared singular values, descending.
  public var energies: [Double] { spectrum.map { $0 / spectrumScale / spectrumScale } }
  /// The squared Frobenius norm.
  public var totalEnergy: Double { tails[0] / spectrumScale / spectrumScale }
  /// The squared singular values of the matrix times `spectrumScale`.
  public let spectrum: [Double]
  /// The power of two that brings the kernel to unit scale.
  public var spectrumScale: Double { Double(scale) }

  /// The matrix times `scale`.
  private let matrix: Tensor<Element>
  private let scale: Element
  private let basis: Basis
  /// The sum of the scaled energies from each rank on, and the sum of all.
  private let tails: [Double]

  private enum Basis: Sendable {
    /// The Gram matrix of the shorter side.
    case gram(Tensor<Double>)
    case svd(SingularValueDecomposition<Element>)
  }

  /// Analyses a fully connected or 1x1 layer.
  ///
  /// **Throws** `DecomposeError`: spatial extents other than 1, no elements, numbers that are not finite.
  public init(_ kernel: Tensor<Element>) throws(DecomposeError) {
    try self.init(kernel, matrix: try kernel.asMatrix())
  }

  /// Analyses a matrix that holds the elements of a kernel in another order.
  init(_ kernel: Tensor<Element>, matrix: Tensor<Element>) throws(DecomposeError) {
    self.kernel = kernel
    (self.matrix, scale) = matrix.atUnitScale()
    let scaled = self.matrix
    let squares: [Double]
    (basis, squares) = try reproducibly { () throws(DecomposeError) in try Self.spectrum(of: scaled) }
    spectrum = squares
    var tails = [Double](repeating: 0, count: squares.count + 1)
    for index in squares.indices.reversed() { tails[index] = tails[index + 1] + squares[index] }
    self.tails = tails
  }

  private static func spectrum(of matrix: Tensor<Element>) throws(DecomposeError) -> (Basis, [Double]) {
    try wrapping { () throws(LinearAlgebraError) in
      if Element.self == Double.self {
        let svd = try matrix.singularValueDecomposition()
        return (.svd(svd), svd.values.map { Double($0) * Double($0) })
      }
      let gram = matrix.gramMatrix(mode: matrix.shape[0] <= matrix.shape[1] ? 1 : 2)
      // Rounding can leave an eigenvalue of a Gram matrix a little under zero.
      return (.gram(gram), try gram.symmetricEigenvalues().map { max(0, $0) })
    }
  }

  /// The smaller extent.
  public var maximumRank: Int { spectrum.count }

  /// `svd` with a rank.
  public func form(rank: Int) -> FactoredForm { .svd(rank: rank) }

  /// The relative error of the truncated decomposition: the root of the discarded energy.
  ///
  /// **Traps** where the rank is outside `0...maximumRank`.
  public func relativeError(rank: Int) -> Double {
    tails[0] > 0 ? (tails[rank] / tails[0]).squareRoot() : 0
  }

  /// The truncated decomposition.
  ///
  /// **Throws** `DecomposeError` for a rank out of range.
  public func decomposition(rank: Int) throws(DecomposeError) -> Decomposition<Element> {
    try reproducibly { () throws(DecomposeError) in
      let (left, right) = try factors(rank: rank)
      return try certified(.svd(MatrixFactors(left: left, right: right, kernelShape: kernel.shape)))
    }
  }

  /// Puts the evidence to factors of this analysis.
  func certified(_ factors: FactoredKernel<Element>) throws(DecomposeError) -> Decomposition<Element> {
    let error = certifiedError(kernel, factors)
    let bound = relativeError(rank: factors.form.ranks[0])
    return try Decomposition(
      kernel: factors, relativeError: error, errorBound: max(bound, error), convergence: .closedForm
    ).requireFinite()
  }

  /// The stages of a spatial or channel form, where the matrix has rows (t, the second stage's taps) and columns (s,
  /// the first stage's taps).
  func pairDecomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Element> {
    let rank = form.ranks[0]
    let shapes = form.stages(kernel: kernel.shape).map(\.weightShape)
    let outputs = kernel.shape[0]
    return try reproducibly { () throws(DecomposeError) in
      let (left, right) = try factors(rank: rank)
      let second = left.reshaped([outputs, left.shape[0] / outputs, rank]).permuted([0, 2, 1])
      return try certified(
        .pair(
          StagePair(
            first: right.reshaped(shapes[0]), second: second.reshaped(shapes[1]), form: form,
            kernelShape: kernel.shape)))
    }
  }

  /// The balanced factors of the matrix, [m, rank] and [rank, n].
  ///
  /// The shorter side's factor is a basis; the longer side's is the matrix projected on it, so that the error of the
  /// product is that of the subspace, however well each vector was found.
  func factors(rank: Int) throws(DecomposeError) -> (left: Tensor<Element>, right: Tensor<Element>) {
    try requireRank(rank, "rank", upTo: maximumRank, kernel: kernel.shape)
    let wide = matrix.shape[0] <= matrix.shape[1]
    let columns: Tensor<Element>
    switch basis {
    case .svd(let svd):
      columns =
        wide
        ? Tensor(svd.left.view.sliced(axis: 1, 0..<rank))
        : Tensor(svd.rightTransposed.view.sliced(axis: 0, 0..<rank).permuted([1, 0]))
    case .gram(let gram):
      columns = try wrapping { () throws(LinearAlgebraError) in
        try gram.symmetricEigendecomposition(leading: rank).vectors.converted()
      }
    }
    let rows = columns.permuted([1, 0])
    let projected =
      wide ? matrixProduct(rows, matrix) : matrixProduct(rows, matrix, transposeB: true)
    let (basisRows, matrixRows) = balancedRows(rows, projected, unit: 1 / Double(scale))
    return wide ? (basisRows.permuted([1, 0]), matrixRows) : (matrixRows.permuted([1, 0]), basisRows)
  }
}

/// Pairs of rows scaled to the same length, their outer products times `unit`; where one is zero both become zero.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func balancedRows<Element: Scalar>(
  _ a: Tensor<Element>, _ b: Tensor<Element>, unit: Double
) -> (Tensor<Element>, Tensor<Element>) {
  var (x, y) = (a, b)
  let (m, n) = (a.shape[1], b.shape[1])
  x.withMutableSpan { x in
    y.withMutableSpan { y in
      for row in 0..<a.shape[0] {
        var (first, second) = (0.0, 0.0)
        for i in (row * m)..<((row + 1) * m) { first += Double(x[i]) * Double(x[i]) }
        for i in (row * n)..<((row + 1) * n) { second += Double(y[i]) * Double(y[i]) }
        // Each row gets the length of the geometric mean, so the product of the lengths stays.
        let length = (first.squareRoot() * second.squareRoot() * unit).squareRoot()
        let toFirst = first > 0 && second > 0 ? length / first.squareRoot() : 0
        let toSecond = first > 0 && second > 0 ? length / second.squareRoot() : 0
        for i in (row * m)..<((row + 1) * m) { x[i] = Element(Double(x[i]) * toFirst) }
        for i in (row * n)..<((row + 1) * n) { y[i] = Element(Double(y[i]) * toSecond) }
      }
    }
  }
  return (x, y)
}
