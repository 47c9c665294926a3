internal import CKernels
import Conv
import Tensors

/// Softmax of rows that lie side by side, or its logarithm.
///
///     z[i] = exp(x[i] - max x) / sum over j of exp(x[j] - max x)
///
/// **Accuracy** the sum is in Double; exponentials are as `CLines.h` says.
package struct SoftmaxRun: Sendable {
  private let rows: Int
  private let count: Int
  private let isLogarithm: Bool
  private let threads: Int
  private let variant: KernelVariant

  /// Of `rows` rows of `count` numbers.
  package init(rows: Int, count: Int, isLogarithm: Bool, threads: Int = 1, variant: KernelVariant = .best) {
    (self.rows, self.count, self.isLogarithm, self.variant) = (rows, count, isLogarithm, variant)
    self.threads = rows * count >= 1 << 14 ? threads : 1
  }

  /// Computes all rows.
  ///
  /// **Traps** where a slice is too short.
  package func run(input: MemorySlice<Float>, output: MemorySlice<Float>) {
    guard rows > 0, count > 0, let kernels = variant.lines else { return }
    precondition(
      input.count >= rows * count && output.count >= rows * count, "slices too short for \(rows) rows")
    ParallelRun.share(rows, threads: threads) { part in
      for row in part {
        var line = lowrank_softmax(
          x: input.base + row * count, z: output.base + row * count, count: count,
          logarithm: isLogarithm ? 1 : 0)
        kernels.pointee.softmax(&line)
      }
    }
  }
}
