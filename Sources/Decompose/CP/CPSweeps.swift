import LinearAlgebra
import Tensors

/// Alternating least squares for CP on one tensor: the tensor, the factors and all scratch memory, allocated once.
///
/// An iteration has two large products, whatever the number of modes. The first, of the tensor with the Khatri-Rao
/// product of the other modes, updates mode 1. The second contracts the tensor with mode 1; all other modes are
/// updated from that for a small part of the price: a dimension tree with one branch on mode 1.
///
/// **Shapes** the tensor [T, taps, S]: the input channels run fastest, so that the small products are over rows.
///
/// **Accuracy** the products and the triangular solves are in the element type, the Cholesky factors in Double. A proximal term, `damping` times the diagonal of the normal equations around the factor as it is, keeps
/// them solvable; it vanishes where the iteration stands still, so it moves no solution.
///
/// **Complexity** 2 T S taps R multiplies an iteration, (T + S) R² for the solves and R³ / 2 for the factors.
///
/// **Source** Kolda and Bader 2009, section 3.4; Phan, Tichavsky, Cichocki 2013 (fast MTTKRP); Mitchell, Ye, De Sterck
/// 2020 (extrapolated ALS with restarts).
final class CPSweeps<Element: LapackScalar> {
  let outputs: Int
  let inputs: Int
  let spatial: [Int]
  let rank: Int
  /// `||X||²` of the tensor.
  let energy: Double
  /// The extents of all modes, T, S, D1, ...
  let extents: [Int]
  let taps: Int

  private let workspace: Workspace
  let tensor: UnsafeMutablePointer<Element>
  /// The Khatri-Rao product, then the tensor contracted with mode 1: [R, taps, S].
  let terms: UnsafeMutablePointer<Element>
  /// The factors, one row a component.
  let rows: [UnsafeMutablePointer<Element>]
  /// The factors before the last iteration.
  let former: [UnsafeMutablePointer<Element>]
  /// The upper triangle of each factor's Gram matrix, [R, R].
  let grams: [UnsafeMutablePointer<Element>]
  /// The outer product of the spatial rows, [R, taps]; the rows themselves where there is one spatial mode.
  let tapRows: UnsafeMutablePointer<Element>
  /// The contraction of the tensor with modes 1 and 2, [R, taps].
  let tapMoments: UnsafeMutablePointer<Element>
  let moments: UnsafeMutablePointer<Element>
  let normal: UnsafeMutablePointer<Double>
  let triangle: UnsafeMutablePointer<Element>
  let weights: UnsafeMutablePointer<Double>

  /// **Shapes** `tensor` [T, taps, S]; the model's modes have the extents T, S and `spatial`.
  init(_ tensor: Tensor<Element>, spatial: [Int], model: CPModel<Element>) {
    let (rank, taps) = (model.rank, tensor.shape[1])
    (outputs, inputs, self.spatial, self.rank) = (tensor.shape[0], tensor.shape[2], spatial, rank)
    self.taps = taps
    energy = tensor.squaredNorm
    let extents = [outputs, inputs] + spatial
    self.extents = extents
    var layout = WorkspaceLayout()
    let tensorRegion = layout.reserve(Element.self, count: tensor.count)
    let termsRegion = layout.reserve(Element.self, count: rank * taps * inputs)
    let rowRegions = extents.map { layout.reserve(Element.self, count: rank * $0) }
    let formerRegions = extents.map { layout.reserve(Element.self, count: rank * $0) }
    let gramRegions = extents.map { _ in layout.reserve(Element.self, count: rank * rank) }
    let tapRegions = (0..<2).map { _ in layout.reserve(Element.self, count: rank * taps) }
    let momentRegion = layout.reserve(Element.self, count: rank * (extents.max() ?? 0))
    let normalRegion = layout.reserve(Double.self, count: rank * rank)
    let triangleRegion = layout.reserve(Element.self, count: rank * rank)
    let weightRegion = layout.reserve(Double.self, count: rank)
    let workspace = Workspace(layout)
    self.tensor = workspace.pointer(to: tensorRegion)
    terms = workspace.pointer(to: termsRegion)
    rows = rowRegions.map { workspace.pointer(to: $0) }
    former = formerRegions.map { workspace.pointer(to: $0) }
    grams = gramRegions.map { workspace.pointer(to: $0) }
    tapRows = spatial.count == 1 ? rows[2] : workspace.pointer(to: tapRegions[0])
    tapMoments = workspace.pointer(to: tapRegions[1])
    moments = workspace.pointer(to: momentRegion)
    normal = workspace.pointer(to: normalRegion)
    triangle = workspace.pointer(to: triangleRegion)
    weights = workspace.pointer(to: weightRegion)
    self.workspace = workspace
    copy(tensor, to: self.tensor)
    load(model)
  }
}
