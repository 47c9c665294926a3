/// How a product of matrices runs.
public struct MatrixProductOptions: Hashable, Sendable {
  /// The instruction set; nil for the best that the processor has.
  public var variant: KernelVariant?
  /// The most threads that share a product, at most 64: one too small for them takes fewer. Results do not depend on it.
  public var threads: Int
  /// About how many rows the left-hand matrix will have, which decides the layout of packed weights; nil for many.
  public var expectedRows: Int?

  /// The defaults: the best kernels, one thread, many rows.
  public init(variant: KernelVariant? = nil, threads: Int = 1, expectedRows: Int? = nil) {
    self.variant = variant
    self.threads = threads
    self.expectedRows = expectedRows
  }

  /// The kernels; plain C where the processor does not have the variant.
  var table: KernelTable {
    guard let table = (variant ?? .best).table ?? KernelVariant.scalar.table else {
      preconditionFailure("no kernels in plain C")
    }
    return KernelTable(pointer: table)
  }
}
