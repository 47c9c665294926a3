import AllocationCounter
import Tensors
import TestSupport
import Testing

@testable import Conv

/// Products with packed weights, against their definition.
@Suite struct MatrixProductTests {
  private static let activations: [Activation] = [
    .none, .relu, .clip(low: -0.5, high: 1), .prelu(slopes: []), .silu, .gelu,
  ]
  /// One, primes, whole vectors, one more and one less, more than a panel.
  private static let extents = [1, 2, 3, 7, 13, 15, 16, 17, 31, 33, 64, 67, 97]

  /// Every variant, panels for one row and for many, A as it lies and transposed, gaps in both, threads.
  @Test func everyProductEqualsItsDefinition() {
    for seed in TestRun.seeds(short: 60) {
      var cases = GeneratedCases(seed: seed)
      func extent() -> Int { Self.extents[cases.number(0...(Self.extents.count - 1))] }
      let example = ProductCase(
        extent(), extent(), extent(), hasBias: cases.number(0...2) > 0, adds: cases.number(0...2) == 0,
        activation: Self.activations[cases.number(0...5)], &cases)
      for variant in KernelVariant.available {
        var options = MatrixProductOptions(variant: variant, threads: cases.number(1...4))
        options.expectedRows = [nil, 1, 3, 5, 9, 14][cases.number(0...5)]
        let gap = [nil, 1, 23][cases.number(0...2)]
        let isTransposed = cases.number(0...2) == 0
        let layout = MatrixLayout(
          stride: gap.map { $0 + (isTransposed ? example.rows : example.depth) }, isTransposed: isTransposed)
        let output = MatrixLayout(
          stride: cases.number(0...1) == 0 ? nil : example.columns + cases.number(0...9))
        let product = example.product(isTransposed: cases.number(0...1) == 0, options)
        if let fault = example.fault(in: example.run(product, a: layout, c: output)) {
          let shape = "\(example.rows) x \(example.depth) x \(example.columns)"
          Issue.record("\(fault); \(shape) \(options) \(layout) \(output) \(TestRun.repeating(seed))")
        }
      }
    }
  }

  /// So deep and so tall that panels and rows go through the caches in blocks, on any machine: the sums go on where the
  /// block before ended.
  @Test(arguments: KernelVariant.available, [(1, 4200, 5), (17, 4200, 5), (29, 1100, 65), (800, 700, 3)])
  func blocksDoNotShow(variant: KernelVariant, extents: (Int, Int, Int)) {
    var cases = GeneratedCases(seed: 620)
    let (rows, depth, columns) = extents
    for (adds, activation) in [(false, Activation.relu), (true, .silu)] {
      let example = ProductCase(rows, depth, columns, adds: adds, activation: activation, &cases)
      let product = example.product(isTransposed: true, MatrixProductOptions(variant: variant))
      if let fault = example.fault(in: example.run(product)) {
        Issue.record("\(fault); \(variant) \(extents)")
      }
    }
  }

  /// Not a bit, whether threads share the rows, the columns or both, and whatever the blocks of their shares are.
  @Test(arguments: [(1, 300, 1000), (64, 100, 133), (300, 300, 7), (15, 1100, 66)])
  func threadsDoNotChangeTheResult(extents: (Int, Int, Int)) {
    var cases = GeneratedCases(seed: 621)
    let (rows, depth, columns) = extents
    let example = ProductCase(rows, depth, columns, activation: .silu, &cases)
    for variant in KernelVariant.available {
      let alone = example.product(isTransposed: false, MatrixProductOptions(variant: variant))
      let expected = example.run(alone)
      for threads in [2, 5, 64] {
        let shared = example.product(
          isTransposed: false, MatrixProductOptions(variant: variant, threads: threads))
        #expect(shared.threadCount(rows: rows) > 1)
        #expect(example.run(shared) == expected, "\(extents) \(variant) \(threads)")
      }
      // Nor does the panel.
      let other = example.product(
        isTransposed: true, MatrixProductOptions(variant: variant, expectedRows: 1))
      #expect(example.run(other) == expected, "\(extents) \(variant)")
    }
  }

  @Test func aSmallProductIsNotShared() {
    let product = MatrixProduct(Tensor(shape: [16, 16]), options: MatrixProductOptions(threads: 8))
    #expect(product.threadCount(rows: 4) == 1)
    #expect(product.threadCount(rows: 100_000) == 8)
    // Rows are shared where there are too few columns, columns where there are too few rows.
    let row = MatrixProduct(Tensor(shape: [2048, 1000]), options: MatrixProductOptions(threads: 8))
    #expect(row.threadCount(rows: 1) == 8)
  }

  @Test func matricesThatDoNotFitTrap() async {
    await #expect(processExitsWith: .failure) {
      let product = MatrixProduct(Tensor(shape: [3, 4]))
      var c = Tensor<Float>(shape: [8])
      c.withMutableSpan { c in
        // One element short.
        Tensor<Float>(shape: [5]).withSpan { product.run($0, rows: 2, into: &c) }
      }
    }
    await #expect(processExitsWith: .failure) {
      let product = MatrixProduct(Tensor(shape: [3, 4]))
      var c = Tensor<Float>(shape: [7])
      c.withMutableSpan { c in
        Tensor<Float>(shape: [6]).withSpan { product.run($0, rows: 2, into: &c) }
      }
    }
    await #expect(processExitsWith: .failure) {
      let product = MatrixProduct(Tensor(shape: [3, 4]))
      var c = Tensor<Float>(shape: [8])
      c.withMutableSpan { c in
        Tensor<Float>(shape: [6]).withSpan {
          product.run($0, rows: 2, layout: MatrixLayout(stride: 2), into: &c)
        }
      }
    }
    await #expect(processExitsWith: .failure) {
      _ = MatrixProduct(Tensor(shape: [3, 4]), bias: Tensor(shape: [3]))
    }
    await #expect(processExitsWith: .failure) {
      _ = MatrixProduct(Tensor(shape: [3, 4]), activation: .prelu(slopes: [1, 2, 3]))
    }
  }

  /// Only where the compiler optimises: otherwise every closure is an allocation.
  @Test(.enabled(if: isOptimised), arguments: [1, 2])
  func aSteadyRunAllocatesNothing(threads: Int) {
    var cases = GeneratedCases(seed: 622)
    for (rows, depth, columns) in [(1, 512, 1000), (33, 2000, 67)] {
      let product = MatrixProduct(
        cases.tensor([depth, columns]), bias: cases.tensor([columns]), activation: .silu,
        options: MatrixProductOptions(threads: threads))
      let a: Tensor<Float> = cases.tensor([rows, depth])
      var c = Tensor<Float>(shape: [rows, columns])
      a.withSpan { a in
        c.withMutableSpan { c in
          for _ in 0..<10 { product.run(a, rows: rows, into: &c) }
          let before = lowrank_allocations()
          for _ in 0..<200 { product.run(a, rows: rows, into: &c) }
          #expect(lowrank_allocations() == before)
        }
      }
    }
  }
}
