public import Tensors

/// Sums of products of the columns of matrices that come in blocks of rows, as moments of data do.
///
/// The tiles of a sum are shared out to threads, each product of a tile with BLAS on one thread, so the sums are the same to
/// the bit whatever the threads.
public enum GramSums {
  /// Rows and columns of a tile: three of them in Double lie in a second-level cache's neighbourhood, and a matrix of 4,608
  /// columns has 45 to share out.
  private static let tile = 512

  /// Adds the Gram matrix of some columns, `G += X^T X`, to the upper triangle; `mirror` completes it.
  ///
  /// **Shapes** `rows` [k, n] of which the first `count` rows are taken, `gram` [n, n].
  ///
  /// **Traps** where they do not fit together.
  ///
  /// **Complexity** count n² / 2 multiplies. **Source** BLAS `gemm`, and `syrk` on the diagonal.
  public static func add(
    gramOf rows: Tensor<Double>, count: Int, to gram: inout Tensor<Double>, threads: Int
  ) {
    let n = gram.shape[0]
    precondition(gram.shape == [n, n] && rows.shape.order == 2 && rows.shape[1] == n, "\(rows.shape)")
    addTiles(rows, rows, count: count, to: &gram, threads: threads, isGram: true)
  }

  /// Adds products of columns of two matrices, `C += Y^T X`.
  ///
  /// **Shapes** `left` [k, m] and `right` [k, n] of which the first `count` rows are taken, `sums` [m, n].
  ///
  /// **Traps** where they do not fit together.
  ///
  /// **Complexity** count m n multiplies. **Source** BLAS `gemm`.
  public static func add(
    productOf left: Tensor<Double>, and right: Tensor<Double>, count: Int, to sums: inout Tensor<Double>,
    threads: Int
  ) {
    precondition(
      left.shape.order == 2 && right.shape.order == 2 && sums.shape == [left.shape[1], right.shape[1]],
      "products of columns of \(left.shape) and \(right.shape) added to \(sums.shape)")
    addTiles(left, right, count: count, to: &sums, threads: threads, isGram: false)
  }

  /// Copies the upper triangle of a sum of Gram matrices into the lower one.
  public static func mirror(_ gram: inout Tensor<Double>) {
    let n = gram.shape[0]
    gram.withMutableBuffer { g in
      if let g = g.baseAddress { mirrorUpperTriangle(g, order: n) }
    }
  }

  private static func addTiles(
    _ left: Tensor<Double>, _ right: Tensor<Double>, count: Int, to sums: inout Tensor<Double>, threads: Int,
    isGram: Bool
  ) {
    precondition(count <= left.shape[0] && count <= right.shape[0], "\(count) rows of \(left.shape)")
    let (m, n) = (left.shape[1], right.shape[1])
    let down = (m + tile - 1) / tile
    let across = (n + tile - 1) / tile
    let tiles = (0..<down * across).map { ($0 / across, $0 % across) }.filter { !isGram || $0.0 <= $0.1 }
    guard count > 0, !tiles.isEmpty else { return }
    sums.withMutableBuffer { sums in
      left.withBuffer { left in
        right.withBuffer { right in
          guard let sums = sums.baseAddress, let left = left.baseAddress, let right = right.baseAddress else {
            return
          }
          // Each tile is written by one thread only, and the operands by none.
          nonisolated(unsafe) let (a, b, c) = (left, right, sums)
          BLASLibrary.withThreads(1) {
            SharedWork.withThreads(threads) {
              SharedWork.run(tiles.count) { place in
                let (i, j) = (tiles[place].0 * tile, tiles[place].1 * tile)
                guard !isGram || i != j else {
                  Double.routines.syrk(
                    true, Int32(min(tile, n - i)), Int32(count), 1, a + i, Int32(n), 1, c + i * n + i,
                    Int32(n))
                  return
                }
                gemm(
                  transposeA: true, m: min(tile, m - i), n: min(tile, n - j), k: count, a: a + i, lda: m,
                  b: b + j, ldb: n, beta: 1, c: c + i * n + j, ldc: n)
              }
            }
          }
        }
      }
    }
  }
}
