public import Tensors

extension Tensor where Element: LapackScalar {
  /// The Gram matrix of a mode-n unfolding, accumulated in Double whatever the element type.
  ///
  ///     G = X(n) X(n)^T
  ///
  /// A Float Gram matrix would lose singular values under about 3e-4 of the largest, and rank selection needs them.
  ///
  /// **Shapes** [In, In], both triangles. **Traps** where `mode` is not in `1...order`.
  ///
  /// **Accuracy** each element within `count / In` Double epsilons of the sum of the absolute products.
  ///
  /// **Complexity** In x count / 2 multiplies; a Double copy of the tensor, unfolded by blocks of 4 MiB.
  ///
  /// **Source** BLAS `dsyrk`.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  public func gramMatrix(mode: Int) -> Tensor<Double> {
    precondition(mode >= 1 && mode <= shape.order, "mode \(mode) of a tensor of \(shape)")
    let n = shape[mode - 1]
    let inner = shape.extents[mode...].reduce(1, *)
    let outer = shape.extents[..<(mode - 1)].reduce(1, *)
    var gram = Tensor<Double>(shape: [n, n])
    guard count > 0 else { return gram }
    // Blocks of whole outer indices (or parts of one row range), so that the Double copy stays small.
    let columns = inner * outer
    let blockColumns = Swift.min(columns, Swift.max(256, (1 << 19) / n))
    gram.withMutableBuffer { g in
      self.withBuffer { x in
        withScratch(n * blockColumns, of: Double.self) { block in
          guard let g = g.baseAddress, let x = x.baseAddress else { return }
          for start in stride(from: 0, to: columns, by: blockColumns) {
            let width = Swift.min(blockColumns, columns - start)
            for row in 0..<n {
              Self.copyRow(
                x, row, rows: n, inner: inner, columns: start..<(start + width), to: block + row * width)
            }
            Double.routines.syrk(
              false, Int32(n), Int32(width), 1, block, Int32(width), start == 0 ? 0 : 1, g, Int32(n))
          }
          mirrorUpperTriangle(g, order: n)
        }
      }
    }
    return gram
  }

  /// Part of one row of the unfolding, converted to Double.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  private static func copyRow(
    _ x: UnsafePointer<Element>, _ row: Int, rows: Int, inner: Int, columns: Range<Int>,
    to target: UnsafeMutablePointer<Double>
  ) {
    var column = columns.lowerBound
    var out = target
    while column < columns.upperBound {
      let (outerIndex, innerIndex) = column.quotientAndRemainder(dividingBy: inner)
      let run = Swift.min(inner - innerIndex, columns.upperBound - column)
      let source = x + (outerIndex * rows + row) * inner + innerIndex
      for i in 0..<run { out[i] = Double(source[i]) }
      out += run
      column += run
    }
  }
}
