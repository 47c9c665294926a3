internal import CKernels
public import Tensors

/// The product of a few rows with a matrix of constants that 16 or 8 bits hold exactly:
///
///     C = activation(A B + bias)
///
/// One row reads every weight once, from memory where the matrix is larger than the caches: a half or a quarter of the bytes
/// take as much less time. With many rows the weights are read from the cache, and `MatrixProduct` is the better one.
///
/// **Shapes** A [M, K], B [K, N], C [M, N], `bias` [N].
///
/// **Accuracy** as `MatrixProduct`; the weights are the same numbers. Integers are summed before their scale.
///
/// **Complexity** M K N multiplies; creation packs B, in a copy of 2 K N or K N bytes; a run allocates nothing.
public final class NarrowProduct: Sendable {
  /// The rows K of B, and the columns of A.
  public let depth: Int
  /// The columns N of B and C.
  public let columns: Int
  private let threads: Int
  private let weights: NarrowWeights
  private let epilogue: PackedEpilogue
  private let table: KernelTable
  private let kernels: NarrowTable

  /// From how many bytes on, as floats, a matrix comes from memory; smaller ones gain nothing.
  public static let leastByteCount = 4 << 20
  /// The most rows that it is the better product for.
  public static let mostRows = 4

  /// The product with `weights`; nil where no short format holds them exactly, or the processor lacks the conversions.
  ///
  /// **Shapes** `weights` [N, K], as fully connected layers have them; `bias` [N].
  ///
  /// **Traps** where a shape does not fit, or the activation's parameters do not.
  public init?(
    _ weights: Tensor<Float>, bias: Tensor<Float>? = nil, activation: Activation = .none,
    options: MatrixProductOptions = MatrixProductOptions()
  ) {
    precondition(weights.shape.order == 2, "a matrix of shape \(weights.shape)")
    (columns, depth) = (weights.shape[0], weights.shape[1])
    precondition(
      bias == nil || bias?.count == columns, "a bias of \(bias?.count ?? 0) for \(columns) columns")
    if let fault = activation.fault(channels: columns) { preconditionFailure(fault) }
    let variant = options.variant ?? .best
    guard let kernels = lowrank_narrow_kernels_of(lowrank_variant(variant.number)),
      let packed = NarrowWeights(weights, panel: kernels.pointee.panel)
    else { return nil }
    (self.kernels, self.weights) = (NarrowTable(pointer: kernels), packed)
    (table, threads) = (options.table, options.threads)
    epilogue = PackedEpilogue(bias: bias, activation: activation)
  }

  /// The bytes of the packed weights.
  public var byteCount: Int { weights.byteCount }

  /// What a weight is packed in: `float16` or `int8`.
  public var storage: String { weights.format == .halves ? "float16" : "int8" }

  /// The memory that a run of so many rows needs besides.
  public func workspaceByteCount(rows: Int) -> Int { 4 * rows * paddedColumns + Workspace.alignment }

  private var paddedColumns: Int { panels * kernels.pointer.pointee.panel }
  private var panels: Int {
    (columns + kernels.pointer.pointee.panel - 1) / kernels.pointer.pointee.panel
  }
}

/// The functions of an instruction set: a constant.
private struct NarrowTable: @unchecked Sendable {
  let pointer: UnsafePointer<lowrank_narrow_kernels>
}

extension NarrowProduct {
  /// Multiplies the rows of A.
  ///
  /// **Shapes** `a` [rows, K], `c` [rows, N], `workspace` of `workspaceByteCount(rows:)` bytes.
  ///
  /// **Traps** where a count does not fit.
  ///
  /// **Complexity** allocates nothing.
  package func run(
    _ a: MemorySlice<Float>, rows: Int, into c: MemorySlice<Float>, workspace: MemorySlice<UInt8>
  ) {
    precondition(rows >= 0, "a matrix of \(rows) rows")
    precondition(
      a.count >= rows * depth && c.count >= rows * columns
        && workspace.count >= workspaceByteCount(rows: rows),
      "\(a.count) elements for \(rows) x \(depth), \(c.count) for \(rows) x \(columns) and \(workspace.count) bytes"
    )
    guard rows > 0, columns > 0 else { return }
    let sums = UnsafeMutableRawPointer(workspace.base).alignedUp(toMultipleOf: Workspace.alignment)
      .bindMemory(to: Float.self, capacity: rows * paddedColumns)
    var call = Call(sums: sums, rows: rows)
    withUnsafeMutablePointer(to: &call) { call in
      let run = SharedRun(
        input: a.base, residual: nil, output: c.base, memory: UnsafeMutableRawPointer(call))
      let worth = 1 + rows * depth * columns / Self.worthAThread
      _ = share(run, parts: max(1, min(threads, mostThreads, panels, worth)), together: false)
    }
  }

  /// The multiplies that are worth a thread: some microseconds.
  private static var worthAThread: Int { 1 << 17 }

  /// What the threads need to know of a run.
  private struct Call {
    let sums: UnsafeMutablePointer<Float>
    let rows: Int
  }
}

extension NarrowProduct: SharedRunner {
  /// One thread's panels: the sums, and then bias and activation while those are in its cache.
  func run(_ run: SharedRun, _ thread: ThreadShare) {
    let call = run.memory.assumingMemoryBound(to: Call.self).pointee
    let panel = kernels.pointer.pointee.panel
    let own = thread.share(panels, group: 1)
    guard !own.isEmpty else { return }
    let first = own.lowerBound * panel
    var product = lowrank_narrow()
    product.x = run.input.assumingMemoryBound(to: Float.self)
    product.z = call.sums + first
    product.w = weights.base + first * depth * (weights.format == .halves ? 2 : 1)
    product.scales = weights.scales.map { $0.base + first }
    (product.rows, product.depth, product.panels) = (call.rows, depth, own.count)
    (product.x_row, product.z_row) = (depth, paddedColumns)
    switch weights.format {
    case .halves: kernels.pointer.pointee.halves(&product)
    case .bytes: kernels.pointer.pointee.bytes(&product)
    }
    var leave = lowrank_leave()
    leave.x = UnsafePointer(call.sums + first)
    leave.z = run.output.assumingMemoryBound(to: Float.self) + first
    (leave.pixels, leave.channels) = (call.rows, min(columns, own.upperBound * panel) - first)
    (leave.x_pixel, leave.z_step) = (paddedColumns, columns)
    (leave.epilogue, leave.channel) = (epilogue.whole, first)
    table.pointer.pointee.leave_rows(&leave)
  }
}
