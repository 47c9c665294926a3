extension Tensor {
  /// The mode-n unfolding: mode `mode` on the rows, the other axes on the columns.
  ///
  ///     X(n)[i_n, j] = X[i_1, ..., i_N],   j running over the other axes in row-major order
  ///
  /// The order of the columns is TensorLy's; Kolda and Bader run over the other axes in the opposite (column-major)
  /// order. Only the order of the columns differs, so singular values and left singular vectors are the same.
  ///
  /// **Shapes** a tensor of I1 x ... x IN gives `[In, count / In]`; modes count from 1.
  ///
  /// **Traps** where `mode` is not in `1...order`.
  ///
  /// **Complexity** mode 1 shares the elements; any other mode copies them once.
  ///
  /// **Source** Kolda and Bader 2009, section 2.4.
  public func unfolded(mode: Int) -> Tensor {
    precondition(mode >= 1 && mode <= shape.order, "mode \(mode) of a tensor of \(shape)")
    let rows = shape[mode - 1]
    let matrix: Shape = [rows, rows == 0 ? 0 : count / rows]
    return mode == 1 ? reshaped(matrix) : permuted(shape.axesWithFirst(mode - 1)).reshaped(matrix)
  }

  /// The tensor whose mode-n unfolding is `matrix`: the inverse of `unfolded(mode:)`.
  ///
  /// **Traps** where `mode` is not in `1...shape.order` or the counts differ.
  public static func folded(_ matrix: Tensor, mode: Int, shape: Shape) -> Tensor {
    precondition(mode >= 1 && mode <= shape.order, "mode \(mode) of a tensor of \(shape)")
    precondition(
      matrix.shape.order == 2 && matrix.shape[0] == shape[mode - 1] && matrix.count == shape.count,
      "a matrix of \(matrix.shape) is not the mode-\(mode) unfolding of a tensor of \(shape)")
    if mode == 1 { return matrix.reshaped(shape) }
    let order = shape.axesWithFirst(mode - 1)
    var inverse = order
    for (position, axis) in order.enumerated() { inverse[axis] = position }
    return matrix.reshaped(Shape(order.map { shape[$0] })).permuted(inverse)
  }
}

extension Shape {
  /// All axes, `axis` moved to the front.
  fileprivate func axesWithFirst(_ axis: Int) -> [Int] {
    [axis] + (0..<order).filter { $0 != axis }
  }
}
