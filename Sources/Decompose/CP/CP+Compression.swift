import LinearAlgebra
import Tensors

/// A kernel in the leading directions of both channel modes, where CP iterations are far cheaper.
///
/// The basis rows are ordered by energy, so the core's slabs are the principal ones.
///
/// **Source** Bro and Andersson 1998 (CP inside a Tucker compression); Vannieuwenhoven et al. 2012 (ST-HOSVD).
struct CPCompression<Element: LapackScalar> {
  /// Orthonormal rows, [P1, T] and [P2, S].
  let rows1: Tensor<Element>
  let rows2: Tensor<Element>
  /// [P1, taps, P2].
  let core: Tensor<Element>
  /// The energy of the kernel outside the core.
  let discarded: Double

  /// The part of the energy that each mode may leave out: directions that weak are found again by the iterations on
  /// the whole kernel that follow.
  static var discardedPart: Double { 0.05 }

  /// Compresses a tensor [T, taps, S].
  ///
  /// **Complexity** T² taps S / 2 + P1 taps S² / 2 multiplies for the Gram matrices, two full eigendecompositions,
  /// P1 taps S (T + P2) for the core.
  init(_ tensor: Tensor<Element>) throws(LinearAlgebraError) {
    let (outputs, taps, inputs) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    let unfolded1 = tensor.reshaped([outputs, taps * inputs])
    rows1 = try Self.leadingRows(unfolded1.matrixTimesTranspose())
    let p1 = rows1.shape[0]
    let reduced = matrixProduct(rows1, unfolded1).reshaped([p1 * taps, inputs])
    rows2 = try Self.leadingRows(reduced.transposeTimesMatrix())
    let p2 = rows2.shape[0]
    core = matrixProduct(reduced, rows2, transposeB: true).reshaped([p1, taps, p2])
    discarded = max(0, tensor.squaredNorm - core.squaredNorm)
  }

  /// Leading eigenvectors of a Gram matrix as rows, with all but `discardedPart` of the energy.
  private static func leadingRows(_ gram: Tensor<Element>) throws(LinearAlgebraError) -> Tensor<Element> {
    let eigen = try gram.symmetricEigendecomposition()
    let energies = eigen.values.map { max(0, Double($0)) }
    let kept = rank(retaining: 1 - discardedPart, of: energies)
    return Tensor(eigen.vectors.view.sliced(axis: 1, 0..<kept).permuted([1, 0]))
  }

  /// Whether iterations on the core cost clearly less than on the whole tensor.
  var pays: Bool {
    let whole = rows1.shape[1] * rows2.shape[1]
    return rows1.shape[0] * rows2.shape[0] * 5 <= whole * 4
  }

  /// A model of the core as one of the whole tensor.
  func expanded(_ model: CPModel<Element>) -> CPModel<Element> {
    var modes = model.modes
    modes[0] = matrixProduct(modes[0], rows1)
    modes[1] = matrixProduct(modes[1], rows2)
    return CPModel(modes: modes)
  }
}
