internal import CKernels

/// What the cost model knows of the processor and of a kernel variant.
struct Machine: Sendable {
  /// Floats a vector.
  let width: Int
  /// The vectors that a cycle multiplies and adds.
  let multiplyRate: Double
  /// Outputs a strip of the `maps` kernel.
  let strip: Int
  /// The tallest tile of pixels for each panel of 1 to 4 vectors; the first entry stands for no vector.
  let mostPixels: [Int]
  /// The bytes of the second cache, which each thread has for itself.
  let privateBytes: Int
  /// The bytes of the last cache, which the threads share.
  let sharedBytes: Int

  /// `caches` are those of this machine, unless another one's plans are asked for.
  init(_ table: lowrank_kernels, caches: (privateBytes: Int, sharedBytes: Int) = Machine.caches) {
    width = table.width
    multiplyRate = Self.rates[table.width]
    strip = table.strip
    mostPixels = [0, table.most_pixels.1, table.most_pixels.2, table.most_pixels.3, table.most_pixels.4]
    (privateBytes, sharedBytes) = caches
  }

  /// Asked for once: the answer is in files. Of a last cache that many cores share, one has no more than this for itself.
  static let caches = (
    privateBytes: lowrank_cache_bytes(2), sharedBytes: min(lowrank_cache_bytes(3), 32 << 20)
  )

  /// For vectors of so many floats. Asked for once: the answer takes microseconds in a virtual machine, as each product does that
  /// is made for one run.
  private static let rates = (0...16).map { Double(lowrank_vectors_per_cycle($0)) }

  /// The vectors that hold `channels` floats.
  func vectors(_ channels: Int) -> Int { (channels + width - 1) / width }

  /// Cycles a depth of the product of `pixels` pixels with `vectors` vectors of columns, in panels of `panel`: FMAs at
  /// their rate, two loads a cycle, and an FMA takes four.
  func cycles(pixels: Int, vectors: Int, panel: Int) -> Double {
    var total = 0.0
    for first in stride(from: 0, to: vectors, by: panel) {
      let n = min(panel, vectors - first)
      let tiles = (pixels + mostPixels[n] - 1) / mostPixels[n]
      // Tiles of two heights that differ by one.
      let (height, taller) = (pixels / tiles, pixels % tiles)
      total += Double(tiles - taller) * tile(height, n) + Double(taller) * tile(height + 1, n)
    }
    return total
  }

  private func tile(_ pixels: Int, _ vectors: Int) -> Double {
    max(Double(pixels * vectors) / multiplyRate, Double(pixels + vectors) / 2, 4) + 0.4
  }

  /// The panel that costs least on `pixels` pixels and `vectors` vectors of columns, of those that `parts` threads can
  /// share evenly where there is one.
  func panel(pixels: Int, vectors: Int, parts: Int = 1) -> Int {
    let panels = 1..<mostPixels.count
    return panels.min { cost($0) < cost($1) } ?? 1
    func cost(_ panel: Int) -> Double {
      let count = (vectors + panel - 1) / panel
      let most = min(vectors, (count + parts - 1) / parts * panel)
      return cycles(pixels: pixels, vectors: most, panel: panel)
    }
  }
}
