import Tensors

/// The output positions of a layer whose patches and responses are looked at.
///
/// The number is shared out over the samples evenly: the positions of one image tell much the same.
enum SampledPositions {
  /// Positions of a layer over all samples, where it has as many: 2^14, of long patches as many as take 2^36 multiplies
  /// to sum up, but two a number of the patch at least, which a Gram matrix needs to be of any use. With four, two layers of
  /// CRAFT with 4,608 numbers were off by 2 and 5 % less on inputs held out, and their sums took twice as long.
  static func wanted(patch: Int) -> Int { max(2 * patch, min(1 << 14, (1 << 36) / (patch * patch))) }

  /// The positions of one sample: one drawn from each of `count` equal stretches, or all where there are no more.
  ///
  /// The same for the same seed, whatever the other samples are.
  static func places(count: Int, of all: Int, seed: UInt64) -> [Int] {
    guard count < all else { return Array(0..<all) }
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { stretch in
      let (start, end) = (stretch * all / count, (stretch + 1) * all / count)
      return start + Int(generator.next() % UInt64(max(1, end - start)))
    }
  }
}
