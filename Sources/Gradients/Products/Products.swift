import Conv
import Tensors

/// Products of matrices on one thread, as gradients need them: the parts of a batch are what threads share.
package enum Products {
  /// `C[b] = A[b] B[b]` for matrices without gaps.
  ///
  /// **Shapes** A [batch, rows, depth], B [batch, depth, columns], each transposed where its flag says so; C [batch, rows,
  /// columns].
  ///
  /// **Accuracy** as `BatchedProduct`.
  package static func multiply(
    _ a: Span<Float>, _ b: Span<Float>, transposesLeft left: Bool = false,
    transposesRight right: Bool = false,
    batch: Int = 1, rows: Int, depth: Int, columns: Int
  ) -> Tensor<Float> {
    let product = BatchedProduct(
      batch: [batch], rows: rows, depth: depth, columns: columns, left: left ? .transposed : .rows,
      right: right ? .transposed : .rows)
    var workspace = product.makeWorkspace()
    return Tensor(shape: [batch, rows, columns]) { result in
      product.run(a, b, into: &result, workspace: &workspace)
    }
  }
}
