public import LinearAlgebra
public import TensorCore

extension FactoredKernel where Element: LapackScalar {
  /// The dense kernel that the factors stand for, [T, S, D...].
  ///
  /// **Accuracy** each element within (R1 + R2) epsilon of the sum of the absolute products.
  ///
  /// **Complexity** for Tucker-2 R1 D² S (R2 + T) multiplies, for a matrix R S T.
  public func reconstructed() -> Tensor<Element> {
    switch self {
    case .tucker2(let f): f.reconstructed()
    case .svd(let f): matrixProduct(f.left, f.right).reshaped(f.kernelShape)
    }
  }
}

extension Tucker2Factors where Element: LapackScalar {
  /// `core x1 mode1 x2 mode2`, [T, S, D...].
  public func reconstructed() -> Tensor<Element> {
    // Mode 2 first, through its unfolding: one large GEMM instead of one small one for each row of the core.
    let unfolded = matrixProduct(mode2, core.unfolded(mode: 2))
    var extents = core.shape.extents
    extents[1] = mode2.shape[0]
    let wide = Tensor.folded(unfolded, mode: 2, shape: Shape(extents))
    return matrixProduct(mode1, wide.unfolded(mode: 1)).reshaped(kernelShape)
  }
}
