internal import CKernels
import Conv
import Tensors

/// A fold of tensors along some of their axes, worked out once and run many times.
///
///     z[i] = finish(fold over j of x[i, j])
///
/// **Accuracy** floats are folded in Double; integers wrap around.
///
/// **Complexity** a run allocates nothing with one thread. Threads share an axis that stays, so that results do not depend
/// on them.
package struct ReductionRun: Sendable {
  /// What is made of the elements.
  package enum Fold: UInt32, Sendable {
    case sum, maximum, minimum, product, absolutes, squares

    /// The fold of nothing, as a double.
    fileprivate var start: Double {
      switch self {
      case .sum, .absolutes, .squares: 0
      case .maximum: -.infinity
      case .minimum: .infinity
      case .product: 1
      }
    }

    /// The fold of nothing, as an integer.
    fileprivate var integerStart: Int {
      switch self {
      case .sum, .absolutes, .squares: 0
      case .maximum: .min
      case .minimum: .max
      case .product: 1
      }
    }
  }

  /// What becomes of a fold of floats.
  package enum Finish: Hashable, Sendable {
    /// `x / divisor`, 1 for the fold itself.
    case quotient(Float)
    /// `sqrt(x / divisor)`
    case root(Float)
    /// `log x`
    case logarithm

    fileprivate var code: (function: lowrank_finish, alpha: Float) {
      switch self {
      case .quotient(let divisor): (LOWRANK_FINISH_QUOTIENT, divisor)
      case .root(let divisor): (LOWRANK_FINISH_ROOT, divisor)
      case .logarithm: (LOWRANK_FINISH_LOGARITHM, 1)
      }
    }
  }

  /// One thread's share.
  private struct Part: Sendable {
    let nest: lowrank_loops
    let first: Int
    let input: Int
    let sums: Int
  }

  private let fold: Fold
  private let finish: Finish
  private let isOfIntegers: Bool
  private let parts: [Part]
  private let input: StridedShape
  private let output: StridedLoops
  private let outputNest: lowrank_loops
  private let outputReach: (before: Int, from: Int)
  private let count: Int
  private let variant: KernelVariant

  /// The elements from which threads pay.
  private static var fewestForThreads: Int { 1 << 15 }

  /// The bytes of the workspace, whose first element has to lie on a boundary of doubles.
  package var workspaceByteCount: Int { max(8, count * 8) }

  /// A fold of `input` to `output`, whose extents are 1 along the axes that are folded; `sums` are the strides of an order
  /// without gaps, in which sums are kept. Nil where the loops have too many axes.
  ///
  /// **Traps** where extents do not fit.
  package init?(
    _ fold: Fold, finish: Finish = .quotient(1), ofIntegers: Bool = false, input: StridedShape,
    output: StridedShape, sums: [Int], threads: Int = 1, variant: KernelVariant = .best
  ) {
    precondition(
      input.extents.count == output.extents.count
        && zip(input.extents, output.extents).allSatisfy { $0 == $1 || $1 == 1 },
      "a fold of \(input.extents) to \(output.extents)")
    (self.fold, self.finish, isOfIntegers, self.input) = (fold, finish, ofIntegers, input)
    self.variant = variant
    let kept = StridedShape(output.extents, strides: sums)
    let all = input.extents.reduce(1, *)
    let shares = all >= Self.fewestForThreads ? threads : 1
    let axis = output.extents.indices.max { output.extents[$0] < output.extents[$1] }
    let sizes = [ofIntegers ? 8 : 4, 8]
    var parts: [Part] = []
    let count = axis.map { min(shares, output.extents[$0]) } ?? 1
    for share in 0..<max(1, count) {
      var (extents, offset, sumOffset) = (input.extents, 0, 0)
      if let axis, count > 1 {
        let (first, last) = (share * extents[axis] / count, (share + 1) * extents[axis] / count)
        extents[axis] = last - first
        (offset, sumOffset) = (first * input.strides[axis], first * kept.strides[axis])
      }
      let steps = kept.strides.indices.map { output.extents[$0] == 1 ? 0 : kept.strides[$0] }
      let shapes = [StridedShape(extents, strides: input.strides), StridedShape(extents, strides: steps)]
      guard let loops = StridedLoops(shapes, leading: 0) else { return nil }
      guard loops.count > 0 else { continue }
      parts.append(
        Part(
          nest: loops.nest(sizes: sizes), first: loops.extents.first ?? 1, input: offset, sums: sumOffset))
    }
    guard let loops = StridedLoops([kept, output]) else { return nil }
    self.output = loops
    outputNest = loops.nest(sizes: ofIntegers ? [8, 8] : [8, 4])
    outputReach = output.reach
    self.parts = parts
    self.count = loops.count
  }

  /// Folds floats.
  ///
  /// **Traps** where a slice is too short.
  package func run(input x: MemorySlice<Float>, output z: MemorySlice<Float>, workspace: MemorySlice<UInt8>) {
    precondition(!isOfIntegers, "a fold of integers on floats")
    guard let kernels = variant.lines else { return }
    let sums = workspace.bound(to: Double.self)[0..<count]
    sums.fill(fold.start)
    let (function, alpha) = finish.code
    run(
      x.bytes, z.bytes, sums.bytes, fold: lowrank_fold_of(kernels, .init(fold.rawValue)),
      finish: lowrank_finish_of(kernels, function), alpha: alpha, size: 4)
  }

  /// Folds integers.
  ///
  /// **Traps** where a slice is too short.
  package func run(input x: MemorySlice<Int>, output z: MemorySlice<Int>, workspace: MemorySlice<UInt8>) {
    precondition(isOfIntegers, "a fold of floats on integers")
    guard let kernels = variant.lines else { return }
    let sums = workspace.bound(to: Int.self)[0..<count]
    sums.fill(fold.integerStart)
    run(
      x.bytes, z.bytes, sums.bytes, fold: lowrank_integer_fold_of(kernels, .init(fold.rawValue)),
      finish: lowrank_integer_unary_of(kernels, LOWRANK_INTEGER_COPY), alpha: 0, size: 8)
  }

  private func run(
    _ x: MemorySlice<UInt8>, _ z: MemorySlice<UInt8>, _ sums: MemorySlice<UInt8>,
    fold: lowrank_line_kernel?, finish: lowrank_line_kernel?, alpha: Float, size: Int
  ) {
    let reach = input.reach
    precondition(
      parts.isEmpty || x.count >= (reach.before + reach.from) * size, "an input too short to be folded")
    ParallelRun.share(parts.count, threads: parts.count) { shares in
      for share in shares {
        let part = parts[share]
        Self.run(
          part.nest, fold, x.base + (reach.before + part.input) * size, sums.base + part.sums * 8, 0,
          part.first)
      }
    }
    guard count > 0 else { return }
    precondition(z.count >= (outputReach.before + outputReach.from) * size, "an output too short for a fold")
    Self.run(
      outputNest, finish, sums.base, z.base + outputReach.before * size, alpha, output.extents.first ?? 1)
  }

  private static func run(
    _ nest: lowrank_loops, _ kernel: lowrank_line_kernel?, _ first: UnsafeMutablePointer<UInt8>,
    _ second: UnsafeMutablePointer<UInt8>, _ alpha: Float, _ count: Int
  ) {
    withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: 2) { pointers in
      pointers.initializeElement(at: 0, to: first)
      pointers.initializeElement(at: 1, to: second)
      let base = pointers.baseAddress
      withUnsafePointer(to: nest) { lowrank_loops_run($0, kernel, base, alpha, 0, 0, count) }
    }
  }
}
