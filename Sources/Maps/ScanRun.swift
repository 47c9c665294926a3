internal import CKernels
import Conv
import Tensors

/// What is done along one axis of a tensor as a whole, worked out once and run many times.
///
/// **Accuracy** sums of floats are in Double; integers wrap around.
///
/// **Complexity** a run allocates nothing with one thread; threads share the lines.
package struct ScanRun: Sendable {
  /// What is done.
  package enum Operation: Hashable, Sendable {
    /// The place of the largest or the least element, an integer; the first or the last of equal ones.
    case extremum(least: Bool, last: Bool, ofIntegers: Bool)
    /// 1 at the first of the largest elements, else 0.
    case hardmax
    /// Sums of the elements so far, with or without the element itself, from the front or from behind.
    case sum(excludesItself: Bool, reverses: Bool, ofIntegers: Bool)
    /// `x (bias + alpha sum over the neighbours of x^2)^-beta`
    case response(before: Int, after: Int, alpha: Float, beta: Float, bias: Float)
  }

  private let operation: Operation
  private let count: Int
  private let steps: (input: Int, output: Int)
  private let outer: [(extent: Int, input: Int, output: Int)]
  private let lines: Int
  private let spans: (input: (before: Int, from: Int), output: (before: Int, from: Int))
  private let sizes: (input: Int, output: Int)
  private let threads: Int
  private let variant: KernelVariant

  /// A scan of `input` along an axis; the output's extent along it is 1 for extrema, else the input's.
  ///
  /// **Traps** where extents do not fit.
  package init(
    _ operation: Operation, axis: Int, input: StridedShape, output: StridedShape, threads: Int = 1,
    variant: KernelVariant = .best
  ) {
    self.operation = operation
    var expected = input.extents
    switch operation {
    case .extremum(_, _, let ofIntegers):
      expected[axis] = 1
      sizes = (ofIntegers ? 8 : 4, 8)
    case .sum(_, _, let ofIntegers): sizes = ofIntegers ? (8, 8) : (4, 4)
    case .hardmax, .response: sizes = (4, 4)
    }
    precondition(output.extents == expected, "a scan of \(input.extents) to \(output.extents)")
    count = input.extents[axis]
    steps = (input.strides[axis], output.strides[axis])
    outer = input.extents.indices.filter { $0 != axis && input.extents[$0] != 1 }.map {
      (input.extents[$0], input.strides[$0], output.strides[$0])
    }
    lines = outer.reduce(1) { $0 * $1.extent }
    spans = (input.reach, output.reach)
    self.threads = lines * count >= 1 << 14 ? threads : 1
    self.variant = variant
  }

  /// Runs along every line.
  ///
  /// **Traps** where a slice is too short.
  package func run(input: MemorySlice<UInt8>, output: MemorySlice<UInt8>) {
    guard lines > 0, count > 0, let kernels = variant.lines else { return }
    precondition(
      input.count >= (spans.input.before + spans.input.from) * sizes.input
        && output.count >= (spans.output.before + spans.output.from) * sizes.output,
      "slices too short for a scan")
    let (kind, template) = settings
    let kernel = lowrank_scan_of(kernels, kind)
    ParallelRun.share(lines, threads: threads) { part in
      var scan = template
      for line in part {
        var rest = line
        var (x, z) = (spans.input.before, spans.output.before)
        for axis in outer.reversed() {
          let (others, index) = rest.quotientAndRemainder(dividingBy: axis.extent)
          x += index * axis.input
          z += index * axis.output
          rest = others
        }
        if case .sum(_, true, _) = operation {
          x += (count - 1) * steps.input
          z += (count - 1) * steps.output
        }
        scan.x = UnsafeRawPointer(input.base + x * sizes.input)
        scan.z = UnsafeMutableRawPointer(output.base + z * sizes.output)
        kernel?(&scan)
      }
    }
  }

  private var settings: (lowrank_scan_kind, lowrank_scan) {
    var scan = lowrank_scan()
    (scan.count, scan.x_step, scan.z_step) = (count, steps.input, steps.output)
    switch operation {
    case .extremum(let least, let last, let ofIntegers):
      (scan.least, scan.last) = (least ? 1 : 0, last ? 1 : 0)
      return (ofIntegers ? LOWRANK_SCAN_INTEGER_EXTREMUM : LOWRANK_SCAN_EXTREMUM, scan)
    case .hardmax: return (LOWRANK_SCAN_HARDMAX, scan)
    case .sum(let excludesItself, let reverses, let ofIntegers):
      scan.exclusive = excludesItself ? 1 : 0
      if reverses { (scan.x_step, scan.z_step) = (-steps.input, -steps.output) }
      return (ofIntegers ? LOWRANK_SCAN_INTEGER_SUM : LOWRANK_SCAN_SUM, scan)
    case .response(let before, let after, let alpha, let beta, let bias):
      (scan.before, scan.after) = (before, after)
      (scan.alpha, scan.beta, scan.bias) = (alpha, beta, bias)
      return (LOWRANK_SCAN_RESPONSE, scan)
    }
  }
}
