import Tensors

/// How threads share the rows and the columns of a product: a grid of whole panels, each part a thread's.
struct ProductGrid {
  let rows: Int
  let rowParts: Int
  let columnParts: Int
  private let vectors: Int
  private let panel: Int

  /// The multiplies that are worth a thread: some microseconds.
  private static let worthAThread = 1 << 17

  /// The grid of at most `threads` threads that takes the slowest of them the shortest time.
  init(_ product: PackedProduct, rows: Int, threads: Int) {
    (self.rows, vectors, panel) = (rows, product.vectors, product.panel)
    let multiplies = Double(rows) * Double(product.depth) * Double(product.columns)
    let worth = 1 + min(Double(mostThreads), multiplies / Double(Self.worthAThread))
    let most = max(1, min(threads, mostThreads, Int(worth)))
    var best = (cost: Double.infinity, rows: 1, columns: 1)
    for parts in 1...min(most, max(1, rows)) {
      let columns = min(most / parts, max(1, product.panels))
      let cost = product.cost(
        rows: (rows + parts - 1) / parts, panels: (product.panels + columns - 1) / columns)
      // The fewest parts of the rows among equals: each reads the columns again.
      if cost < 0.98 * best.cost { best = (cost, parts, columns) }
    }
    (rowParts, columnParts) = (best.rows, best.columns)
  }

  /// The threads that share the product.
  var count: Int { rowParts * columnParts }

  /// The rows and the vectors of columns of one thread.
  func share(_ part: Int) -> (rows: Range<Int>, vectors: Range<Int>) {
    (
      ThreadShare.share(part / columnParts, of: rowParts, rows, group: 1),
      ThreadShare.share(part % columnParts, of: columnParts, vectors, group: panel)
    )
  }
}

extension PackedProduct {
  /// An estimate of the cycles that a thread takes: for its multiplies, or for its columns from the third cache or memory, and
  /// for its rows from there.
  fileprivate func cost(rows: Int, panels: Int) -> Double {
    let vectors = min(vectors, panels * panel)
    let bytes = 4 * Double(vectors * machine.width) * Double(depth)
    let rate = Double(packedCount) * 4 > Double(machine.sharedBytes) / 1.5 ? 4.0 : 16.0
    let cycles = machine.cycles(pixels: rows, vectors: vectors, panel: panel) * Double(depth)
    return max(cycles, bytes / rate) + 4 * Double(rows) * Double(depth) / 16
  }
}
