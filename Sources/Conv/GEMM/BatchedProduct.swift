internal import CKernels
public import Tensors

/// Products of matrices that both come with the run, a batch of them at once:
///
///     C[b] = activation(A[b] B[b])
///
/// as MatMul of two activations, or with weights on the left, which a batch stride of 0 reads for every matrix. The extents
/// come when it is made; each run packs B panel by panel into the workspace, where the panel stays in the cache while all rows
/// of A go over it.
///
///     let scores = BatchedProduct(batch: [heads], rows: 64, depth: 32, columns: 64, right: .transposed)
///     var workspace = scores.makeWorkspace()
///     scores.run(queries, keys, into: &result, workspace: &workspace)
///
/// **Shapes** A [batch, M, K], B [batch, K, N], C [batch, M, N], each as its layout says; C is not transposed.
///
/// **Accuracy** each element is within (K + 2) epsilon of the sum of its products' magnitudes; no bit depends on the threads.
///
/// **Complexity** M K N multiplies a matrix, and one pass over B; a run allocates nothing.
public final class BatchedProduct: Sendable {
  /// The extents of the batch, whose matrices are numbered in row-major order.
  public let batch: [Int]
  /// The rows M of A and C.
  public let rows: Int
  /// The columns K of A, and the rows of B.
  public let depth: Int
  /// The columns N of B and C.
  public let columns: Int
  /// The threads that share a run: at most those that the options ask for.
  public let threadCount: Int
  let product: PackedProduct
  private let (left, right, output): (BatchedMatrices, BatchedMatrices, BatchedMatrices)
  private let units: ProductUnits
  /// The regions of the workspace.
  package let layout: WorkspaceLayout
  private let whole: WorkspaceRegion<UInt8>
  /// The packed panel of each thread.
  private let panels: WorkspacePieces<Float>
  /// The blocks that the depth goes in.
  private let blocks: Int
  private let epilogue: PackedEpilogue
  private let table: KernelTable

  /// Products of matrices of known extents.
  ///
  /// **Traps** where an extent is less than 1, a stride too small for neighbours not to overlap, or the activation is PReLU
  /// with another number of slopes than N.
  public convenience init(
    batch: [Int] = [], rows: Int, depth: Int, columns: Int, left: MatrixLayout = .rows,
    right: MatrixLayout = .rows, output: MatrixLayout = .rows, activation: Activation = .none,
    options: MatrixProductOptions = MatrixProductOptions()
  ) {
    precondition(
      ([rows, depth, columns] + batch).allSatisfy { $0 > 0 },
      "products of \(rows) x \(depth) and \(depth) x \(columns) for a batch of \(batch)")
    precondition(!output.isTransposed, "a transposed result")
    if let fault = activation.fault(channels: columns) { preconditionFailure(fault) }
    let table = options.table
    self.init(
      PackedProduct(depth: depth, columns: columns, rows: rows, machine: Machine(table.pointer.pointee)),
      batch: batch, rows: rows,
      left: BatchedMatrices(left, rows: rows, columns: depth, batch: batch, of: "the left-hand matrix"),
      right: BatchedMatrices(right, rows: depth, columns: columns, batch: batch, of: "the right-hand matrix"),
      output: BatchedMatrices(output, rows: rows, columns: columns, batch: batch, of: "the result"),
      epilogue: PackedEpilogue(bias: nil, activation: activation), table: table, threads: options.threads,
      redZone: 0)
  }

  private init(
    _ product: PackedProduct, batch: [Int], rows: Int, left: BatchedMatrices, right: BatchedMatrices,
    output: BatchedMatrices, epilogue: PackedEpilogue, table: KernelTable, threads: Int, redZone: Int
  ) {
    (self.product, self.batch, self.rows) = (product, batch, rows)
    (depth, columns) = (product.depth, product.columns)
    (self.left, self.right, self.output) = (left, right, output)
    (self.epilogue, self.table) = (epilogue, table)
    units = ProductUnits(
      product, batch: batch.reduce(1, *), rows: rows, threads: max(1, min(threads, mostThreads)))
    threadCount = units.threads
    blocks = product.depthBlocks(rows: units.mostRows)
    var inner = WorkspaceLayout(redZone: redZone)
    panels = inner.reserve(
      Float.self, parts: threadCount, count: (product.depth + blocks - 1) / blocks * product.panelWidth)
    var layout = WorkspaceLayout()
    whole = layout.reserve(inner, copies: 1)
    self.layout = layout
  }

  /// The same, with the regions of the workspace `count` bytes apart, for tests.
  package func withRedZones(ofBytes count: Int) -> BatchedProduct {
    BatchedProduct(
      product, batch: batch, rows: rows, left: left, right: right, output: output, epilogue: epilogue,
      table: table, threads: threadCount, redZone: count)
  }

  /// The size of the workspace that `run` needs.
  public var workspaceByteCount: Int { layout.byteCount }
  /// A workspace for `run`; larger ones serve as well.
  public func makeWorkspace() -> Workspace { Workspace(layout) }
}

extension BatchedProduct {
  /// Multiplies the matrices.
  ///
  /// **Shapes** `a`, `b` and `c` hold the elements that their layouts name: from the first to the last at least.
  ///
  /// **Traps** where a count does not fit or the workspace is too small.
  ///
  /// **Complexity** allocates nothing.
  #if compiler(<6.3)
    @_lifetime(c: copy c)
  #endif
  public func run(
    _ a: Span<Float>, _ b: Span<Float>, into c: inout MutableSpan<Float>, workspace: inout Workspace
  ) {
    precondition(
      a.count >= left.span && b.count >= right.span && c.count >= output.span,
      "\(a.count), \(b.count) and \(c.count) elements for \(left.span), \(right.span) and \(output.span)")
    precondition(
      workspace.byteCount >= workspaceByteCount,
      "a workspace of \(workspace.byteCount) bytes for a product that needs \(workspaceByteCount)")
    let memory = workspace.pointer(to: whole)
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          // The second factor takes the place of a residual.
          let run = SharedRun(
            input: a, residual: UnsafeRawPointer(b), output: c, memory: UnsafeMutableRawPointer(memory))
          _ = share(run, parts: threadCount, together: false)
        }
      }
    }
  }
}

extension BatchedProduct: SharedRunner {
  /// One thread's units: panels of columns, of some rows, of a matrix.
  func run(_ run: SharedRun, _ thread: ThreadShare) {
    guard let second = run.residual else { return }
    let panel = SlotMemory(base: run.memory)[panels, thread.part]
    for unit in thread.share(units.count, group: 1) {
      let (matrix, rows, first) = units[unit]
      let operands = ProductOperands(
        a: run.input.assumingMemoryBound(to: Float.self) + left.offsets(matrix), aRow: left.strides.row,
        aColumn: left.strides.column, b: UnsafePointer(panel),
        c: run.output.assumingMemoryBound(to: Float.self) + output.offsets(matrix), cRow: output.strides.row)
      product.multiply(
        operands, rows: rows, panel: first,
        packing: second.assumingMemoryBound(to: Float.self) + right.offsets(matrix), right.strides, to: panel,
        blocks: blocks, epilogue: epilogue, kernels: table.pointer)
    }
  }
}

/// The matrices of one operand.
struct BatchedMatrices: Sendable {
  let strides: MatrixStrides
  let offsets: BatchOffsets
  /// From the first element of all to behind the last.
  let span: Int

  init(_ layout: MatrixLayout, rows: Int, columns: Int, batch: [Int], of what: StaticString) {
    strides = MatrixStrides(layout, rows: rows, columns: columns, of: what)
    offsets = BatchOffsets(layout, extents: batch, whole: strides.whole, of: what)
    span = offsets.last + strides.span
  }
}

/// The pieces that a batch of products is shared in: a panel of columns of a matrix, and where there are fewer of them than
/// threads, of some of its rows.
struct ProductUnits: Sendable {
  let count: Int
  let threads: Int
  private let rows: Int
  private let rowParts: Int
  private let panels: Int

  init(_ product: PackedProduct, batch: Int, rows: Int, threads: Int) {
    (self.rows, panels) = (rows, product.panels)
    // Each part of the rows packs the panel again: with fewer than some tens of rows that takes as long as their product.
    rowParts = max(1, min((threads + batch * panels - 1) / (batch * panels), rows / 32))
    count = batch * rowParts * panels
    self.threads = min(threads, count)
  }

  /// The most rows of a unit.
  var mostRows: Int { (rows + rowParts - 1) / rowParts }

  /// The matrix, the rows and the panel of a unit.
  subscript(unit: Int) -> (matrix: Int, rows: Range<Int>, panel: Int) {
    let part = unit / panels % rowParts
    return (
      unit / (panels * rowParts), part * rows / rowParts..<(part + 1) * rows / rowParts, unit % panels
    )
  }
}
