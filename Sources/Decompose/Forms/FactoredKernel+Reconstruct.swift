public import LinearAlgebra
public import Forms
public import Tensors

extension FactoredKernel where Element: LapackScalar {
  /// The dense kernel that the factors stand for, [T, S, D...].
  ///
  /// **Accuracy** each element within (R1 + R2) epsilon of the sum of the absolute products.
  ///
  /// **Complexity** for Tucker-2 R1 D² S (R2 + T) multiplies, for CP R D² S (T + 1), for two matrices R S T, for a spatial
  /// or channel pair R D² S T.
  public func reconstructed() -> Tensor<Element> {
    guard let decomposition = form.kind.decomposition else { return parts[0] }
    guard let kernel = decomposition.reconstruct(self) else {
      preconditionFailure("factors of \(form) do not suit the decomposition of their own form")
    }
    return kernel
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

extension CP3Factors where Element: LapackScalar {
  /// The sum of the rank-one terms, [T, S, D...].
  public func reconstructed() -> Tensor<Element> {
    let taps = kernel.count / max(1, rank)
    let rows2 = mode2.permuted([1, 0])
    let terms = rowwiseKroneckerProduct(rows2, kernel.reshaped([rank, taps]))
    return matrixProduct(mode1, terms).reshaped(kernelShape)
  }
}

extension CP4Factors where Element: LapackScalar {
  /// The sum of the rank-one terms, [T, S, D1, D2].
  public func reconstructed() -> Tensor<Element> {
    CP3Factors(mode1: mode1, mode2: mode2, kernel: spatialKernels).reconstructed()
  }

  /// The D1 x D2 kernel of each term, the outer product of its vertical and horizontal ones, [R, D1, D2].
  public var spatialKernels: Tensor<Element> {
    rowwiseKroneckerProduct(vertical, horizontal)
      .reshaped([rank, vertical.shape[1], horizontal.shape[1]])
  }
}

extension StagePair where Element: LapackScalar {
  /// The dense kernel, [T, S, D...].
  public func reconstructed() -> Tensor<Element> {
    let (outputs, inputs) = (kernelShape[0], kernelShape[1])
    let outer = second.count / max(1, outputs * rank)
    let inner = first.count / max(1, inputs * rank)
    // Rows (t, the second stage's taps), columns (s, the first stage's taps).
    let left = second.reshaped([outputs, rank, outer]).permuted([0, 2, 1]).reshaped([outputs * outer, rank])
    let product = matrixProduct(left, first.reshaped([rank, inputs * inner]))
    // The taps in the kernel's own order: the axes of the first stage come before those of the second one, or behind.
    let order = form.kind.stages[0].axes == .axis(0) ? [0, 2, 3, 1] : [0, 2, 1, 3]
    return product.reshaped([outputs, outer, inputs, inner]).permuted(order).reshaped(kernelShape)
  }
}

/// Each row the outer product of the rows of two matrices, the Khatri-Rao product transposed.
///
/// **Shapes** `a` [R, I], `b` [R, J]; the result [R, I J], the second index running fastest.
///
/// **Complexity** R I J multiplies.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func rowwiseKroneckerProduct<Element: Scalar>(_ a: Tensor<Element>, _ b: Tensor<Element>) -> Tensor<Element> {
  let (rows, m, n) = (a.shape[0], a.shape[1], b.shape[1])
  return Tensor(shape: [rows, m * n]) { product in
    a.withSpan { a in
      b.withSpan { b in
        for row in 0..<rows {
          for i in 0..<m {
            let (factor, target) = (a[row * m + i], (row * m + i) * n)
            for j in 0..<n { product[target + j] = factor * b[row * n + j] }
          }
        }
      }
    }
  }
}
