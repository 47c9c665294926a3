import LinearAlgebra
import Forms
import Tensors

/// The best core for two factor matrices with orthonormal columns, `K x1 mode1^T x2 mode2^T`, times `unit`.
///
/// **Shapes** `rows1` [R1, T] and `rows2` [R2, S], the factor matrices transposed.
func projectedTucker2<Element: LapackScalar>(
  _ kernel: Tensor<Element>, rows1: Tensor<Element>, rows2: Tensor<Element>, unit: Element
) -> Tucker2Factors<Element> {
  var extents = kernel.shape.extents
  extents[0] = rows1.shape[0]
  let first = matrixProduct(rows1, kernel.unfolded(mode: 1)).reshaped(Shape(extents))
  extents[1] = rows2.shape[0]
  let core = Tensor.folded(matrixProduct(rows2, first.unfolded(mode: 2)), mode: 2, shape: Shape(extents))
  return Tucker2Factors(
    core: core.scaled(by: unit), mode1: rows1.permuted([1, 0]), mode2: rows2.permuted([1, 0]))
}

/// The relative error of factors as they are stored, `||K - reconstruction|| / ||K||`, summed in Double.
///
/// A Float reconstruction rounds each element by about 1e-7 of its size, which says nothing wrong about errors above
/// 1e-3; below that the reconstruction is done in Double too.
///
/// `difference` is the error of a reconstruction in the kernel's precision, where there is one already.
func certifiedError<Element: LapackScalar>(
  _ kernel: Tensor<Element>, _ factors: FactoredKernel<Element>, difference: Double? = nil
) -> Double {
  let error = difference ?? relativeDifference(kernel, factors.reconstructed())
  guard error < 1e-3, Element.self != Double.self else { return error }
  return relativeDifference(
    kernel.converted(to: Double.self), factors.converted(to: Double.self).reconstructed())
}
