internal import CKernels
public import Tensors

/// The product with a matrix of constants, packed once:
///
///     C = activation(A B + bias)
///
/// as of a fully connected layer, Gemm or MatMul with weights on the right. The number of rows of A comes with each run.
///
///     let layer = MatrixProduct(weights, bias: bias, activation: .relu)
///     layer.run(x, rows: 8, into: &y)
///
/// **Shapes** A [M, K], B [K, N], C [M, N], `bias` [N].
///
/// **Accuracy** each element is within (K + 2) epsilon of the sum of its products' magnitudes, whatever the blocks and the
/// threads, on which no bit depends.
///
/// **Complexity** M K N multiplies; creation packs B, in a copy of its own; a run allocates nothing and needs no workspace.
/// One row (a fully connected layer without a batch) reads the weights once, each thread its own columns.
public final class MatrixProduct: Sendable {
  /// The rows K of B, and the columns of A.
  public let depth: Int
  /// The columns N of B and C.
  public let columns: Int
  /// How it runs.
  public let options: MatrixProductOptions
  let product: PackedProduct
  private let weights: PackedWeights
  private let epilogue: PackedEpilogue
  private let table: KernelTable

  /// The product with `weights`, of one matrix.
  ///
  /// **Shapes** `weights` [K, N], or [N, K] where `isTransposed`, as fully connected layers have them; `bias` [N].
  ///
  /// **Traps** where a shape does not fit, or the activation's parameters do not.
  public init(
    _ weights: Tensor<Float>, isTransposed: Bool = false, bias: Tensor<Float>? = nil,
    activation: Activation = .none, options: MatrixProductOptions = MatrixProductOptions()
  ) {
    precondition(weights.shape.order == 2, "a matrix of shape \(weights.shape)")
    let (depth, columns) =
      isTransposed ? (weights.shape[1], weights.shape[0]) : (weights.shape[0], weights.shape[1])
    precondition(
      bias == nil || bias?.count == columns,
      "a bias of \(String(describing: bias?.shape)) for \(columns) columns")
    if let fault = activation.fault(channels: columns) { preconditionFailure(fault) }
    (self.depth, self.columns, self.options) = (depth, columns, options)
    let table = options.table
    let product = PackedProduct(
      depth: depth, columns: columns, rows: options.expectedRows ?? 64,
      machine: Machine(table.pointer.pointee))
    (self.table, self.product) = (table, product)
    epilogue = PackedEpilogue(bias: bias, activation: activation)
    let strides = MatrixStrides(
      MatrixLayout(isTransposed: isTransposed), rows: depth, columns: columns, of: "weights")
    self.weights = PackedWeights(count: product.packedCount) { target in
      weights.withSpan { weights in
        weights.withUnsafeBufferPointer { weights in
          guard let b = weights.baseAddress, let target = target.baseAddress else { return }
          product.pack(
            b, strides, depths: 0..<depth, columns: 0..<columns, to: target, kernels: table.pointer)
        }
      }
    }
  }

  /// The most threads that share a run of so many rows.
  public func threadCount(rows: Int) -> Int {
    ProductGrid(product, rows: rows, threads: options.threads).count
  }
}

extension MatrixProduct {
  /// Multiplies the rows of A.
  ///
  /// **Shapes** `a` [rows, K] and `c` [rows, N] lie as their layouts say: from the first element to the last at least. C is
  /// not transposed.
  ///
  /// **Traps** where a count does not fit.
  ///
  /// **Complexity** allocates nothing.
  #if compiler(<6.3)
    @_lifetime(c: copy c)
  #endif
  public func run(
    _ a: Span<Float>, rows: Int, layout: MatrixLayout = .rows, into c: inout MutableSpan<Float>,
    layout output: MatrixLayout = .rows
  ) {
    a.withUnsafeBufferPointer { a in
      c.withUnsafeMutableBufferPointer { run(a, rows, layout, $0, output, adds: false) }
    }
  }

  /// Multiplies the rows of A and adds the product to C before the activation: `C = activation(C + A B + bias)`.
  ///
  /// **Shapes**, **Traps** and **Complexity** as in `run(_:rows:layout:into:layout:)`.
  #if compiler(<6.3)
    @_lifetime(c: copy c)
  #endif
  public func run(
    _ a: Span<Float>, rows: Int, layout: MatrixLayout = .rows, addingTo c: inout MutableSpan<Float>,
    layout output: MatrixLayout = .rows
  ) {
    a.withUnsafeBufferPointer { a in
      c.withUnsafeMutableBufferPointer { run(a, rows, layout, $0, output, adds: true) }
    }
  }

  private func run(
    _ a: UnsafeBufferPointer<Float>, _ rows: Int, _ layout: MatrixLayout,
    _ c: UnsafeMutableBufferPointer<Float>, _ output: MatrixLayout, adds: Bool
  ) {
    precondition(rows >= 0, "a matrix of \(rows) rows")
    let from = MatrixStrides(layout, rows: rows, columns: depth, of: "the left-hand matrix")
    let to = MatrixStrides(output, rows: rows, columns: columns, of: "the result")
    precondition(!to.isTransposed, "a transposed result")
    precondition(
      a.count >= from.span && c.count >= to.span,
      "\(a.count) elements for \(rows) x \(depth) and \(c.count) for \(rows) x \(columns)")
    guard rows > 0, let x = a.baseAddress, let y = c.baseAddress else { return }
    let operands = ProductOperands(
      a: x, aRow: from.row, aColumn: from.column, b: weights.base, c: y, cRow: to.row, adds: adds)
    var call = Call(operands: operands, grid: ProductGrid(product, rows: rows, threads: options.threads))
    withUnsafeMutablePointer(to: &call) { call in
      let run = SharedRun(input: x, residual: nil, output: y, memory: UnsafeMutableRawPointer(call))
      _ = share(run, parts: call.pointee.grid.count, together: false)
    }
  }

  /// What the threads need to know of a run.
  private struct Call {
    let operands: ProductOperands
    let grid: ProductGrid
  }
}

extension MatrixProduct: SharedRunner {
  /// One thread's rows and columns.
  func run(_ run: SharedRun, _ thread: ThreadShare) {
    let call = run.memory.assumingMemoryBound(to: Call.self).pointee
    let (rows, vectors) = call.grid.share(thread.part)
    product.multiply(
      call.operands, rows: rows, vectors: vectors, epilogue: epilogue, kernels: table.pointer)
  }
}
