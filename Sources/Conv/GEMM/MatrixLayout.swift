/// How the matrices of a batch lie in memory.
///
///     in rows       element (r, c) of matrix b at  offset(b) + r stride + c
///     transposed    element (r, c) of matrix b at  offset(b) + c stride + r
///
/// A stride that is not given is that of matrices without gaps. Matrix b of a batch with several extents, numbered in
/// row-major order, begins at the sum of its indices times `batchStrides`: a stride of 0 reads one matrix again and again, and
/// strides of any order pick the heads of an attention out of rows that hold all of them.
public struct MatrixLayout: Hashable, Sendable {
  /// Elements between the beginnings of neighbouring rows, or of neighbouring columns where it is transposed.
  public let stride: Int?
  /// Whether the elements of a column lie side by side, instead of those of a row.
  public let isTransposed: Bool
  /// Elements between neighbouring matrices along each extent of the batch.
  public let batchStrides: [Int]?

  /// Matrices of any strides.
  public init(stride: Int? = nil, isTransposed: Bool = false, batchStrides: [Int]? = nil) {
    self.stride = stride
    self.isTransposed = isTransposed
    self.batchStrides = batchStrides
  }

  /// Row-major matrices without gaps.
  public static let rows = MatrixLayout()
  /// Column-major matrices without gaps.
  public static let transposed = MatrixLayout(isTransposed: true)
}

/// A layout of matrices whose extents are known.
struct MatrixStrides: Sendable {
  /// Elements between neighbouring rows and columns.
  let row: Int
  let column: Int
  let isTransposed: Bool
  /// Elements from the first to behind the last of one matrix, and to the next one of a batch without gaps between them.
  let span: Int
  let whole: Int

  /// **Traps** where the stride is too small for neighbours not to overlap, or the span overflows.
  init(_ layout: MatrixLayout, rows: Int, columns: Int, of what: StaticString) {
    isTransposed = layout.isTransposed
    let (outer, inner) = isTransposed ? (columns, rows) : (rows, columns)
    let step = layout.stride ?? inner
    precondition(step >= inner, "\(what) of \(rows) x \(columns) with a stride of \(step)")
    (row, column) = isTransposed ? (1, step) : (step, 1)
    whole = outer * step
    span = outer == 0 || inner == 0 ? 0 : (outer - 1) * step + inner
  }
}

/// Where the matrices of a batch begin.
struct BatchOffsets: Sendable {
  let extents: [Int]
  let strides: [Int]

  /// **Traps** where there is not one stride for each extent, or one is negative.
  init(_ layout: MatrixLayout, extents: [Int], whole: Int, of what: StaticString) {
    self.extents = extents
    // Row-major: the last index runs fastest.
    var step = whole
    var strides = extents
    for axis in extents.indices.reversed() {
      strides[axis] = step
      step *= extents[axis]
    }
    self.strides = layout.batchStrides ?? strides
    precondition(
      self.strides.count == extents.count && self.strides.allSatisfy { $0 >= 0 },
      "strides \(self.strides) of \(what) for a batch of \(extents)")
  }

  /// The first element of a matrix.
  func callAsFunction(_ matrix: Int) -> Int {
    var (rest, offset) = (matrix, 0)
    for axis in extents.indices.reversed() {
      offset += rest % extents[axis] * strides[axis]
      rest /= extents[axis]
    }
    return offset
  }

  /// From the first element of all matrices to the first of the one that begins last.
  var last: Int { zip(extents, strides).reduce(0) { $0 + max(0, $1.0 - 1) * $1.1 } }
}
