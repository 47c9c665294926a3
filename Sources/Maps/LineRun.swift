internal import CKernels
import Conv
import Tensors

/// An operation on every element of tensors whose places are known: worked out once, run many times.
///
///     z[i] = f(x[i]), f(x[i], y[i]) or f(x[i], y[i], w[i])
///
/// **Accuracy** additions, products, quotients and roots are rounded once; exponentials are as `CLines.h` says.
///
/// **Complexity** a run allocates nothing with one thread. Threads share the outermost loop; results do not depend on them.
package struct LineRun: Sendable {
  /// The loops, for all operands and the result, which is the last.
  package let loops: StridedLoops
  private let nest: lowrank_loops
  private let kernel: lowrank_line_kernel?
  private let alpha: Float
  private let beta: Float
  private let sizes: [Int]
  private let offsets: [Int]
  private let threads: Int

  /// The elements from which threads pay.
  private static var fewestForThreads: Int { 1 << 15 }

  /// An operation with its operands' places, the result's last; `offsets` are the elements in front of each first one.
  /// `alpha` and `beta` are parameters of operations that have some and are no activations. Nil where the loops have too
  /// many axes.
  ///
  /// **Traps** where there are not as many operands as the operation has.
  package init?(
    _ operation: LineOperation, _ operands: [StridedShape], offsets: [Int]? = nil, alpha: Float = 0,
    beta: Float = 0, threads: Int = 1, variant: KernelVariant = .best
  ) {
    sizes = operation.sizes
    precondition(operands.count == sizes.count, "\(operands.count) operands of \(operation)")
    guard let loops = StridedLoops(operands), let kernels = variant.lines else { return nil }
    self.loops = loops
    nest = loops.nest(sizes: sizes)
    let (kernel, first, second) = operation.kernel(kernels)
    self.kernel = kernel
    if case .activation = operation {
      (self.alpha, self.beta) = (first, second)
    } else {
      (self.alpha, self.beta) = (alpha, beta)
    }
    self.offsets = offsets ?? [Int](repeating: 0, count: operands.count)
    self.threads = loops.count >= Self.fewestForThreads ? threads : 1
  }

  /// Runs on operands wherever they lie.
  ///
  /// **Traps** where one is too short for the loops, or there are not as many as the operation has.
  package func run(_ operands: [MemoryPlace], in memory: MemoryTable) {
    precondition(operands.count == sizes.count, "\(operands.count) operands, not \(sizes.count)")
    guard loops.count > 0 else { return }
    withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: sizes.count) { pointers in
      for (k, place) in operands.enumerated() {
        let slice = memory.slice(place, of: UInt8.self)
        loops.check(k, offset: offsets[k], count: slice.count / sizes[k])
        pointers.initializeElement(at: k, to: UnsafeMutableRawPointer(slice.base + offsets[k] * sizes[k]))
      }
      let base = pointers.baseAddress
      withUnsafePointer(to: nest) { nest in
        ParallelRun.share(loops.extents.first ?? 1, threads: threads) { part in
          lowrank_loops_run(nest, kernel, base, alpha, beta, part.lowerBound, part.upperBound)
        }
      }
    }
  }
}

extension KernelVariant {
  /// The functions of the variant; null where it is not available.
  var lines: UnsafePointer<lowrank_line_kernels>? { lowrank_line_kernels_of(.init(number)) }
}
