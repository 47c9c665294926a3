import AllocationCounter
import Tensors
import TestSupport
import Testing

@testable import Conv

/// Products of matrices that both come with the run, against their definition.
@Suite struct BatchedProductTests {
  private static let extents = [1, 2, 5, 13, 16, 17, 31, 33, 64, 71]

  @Test func everyProductEqualsItsDefinition() {
    for seed in TestRun.seeds(short: 40) {
      var cases = GeneratedCases(seed: seed)
      func extent() -> Int { Self.extents[cases.number(0...(Self.extents.count - 1))] }
      let (rows, depth, columns) = (extent(), extent(), extent())
      let batch = [[], [3], [2, 2]][cases.number(0...2)]
      let activation = [Activation.none, .relu, .sigmoid][cases.number(0...2)]
      let examples = (0..<batch.reduce(1, *)).map { _ in
        ProductCase(rows, depth, columns, hasBias: false, activation: activation, &cases)
      }
      for variant in KernelVariant.available {
        func layout(_ rows: Int, _ columns: Int, _ isTransposed: Bool) -> MatrixLayout {
          MatrixLayout(
            stride: [nil, 5].randomElement(using: &cases.generator)?.map {
              $0 + (isTransposed ? rows : columns)
            },
            isTransposed: isTransposed)
        }
        let layouts = (
          a: layout(rows, depth, cases.number(0...2) == 0),
          b: layout(depth, columns, cases.number(0...1) == 0),
          c: layout(rows, columns, false)
        )
        let product = BatchedProduct(
          batch: batch, rows: rows, depth: depth, columns: columns, left: layouts.a, right: layouts.b,
          output: layouts.c, activation: activation,
          options: MatrixProductOptions(variant: variant, threads: cases.number(1...4)))
        let results = Self.run(product, examples, layouts)
        for (i, example) in examples.enumerated() {
          let result = results[(i * rows * columns)..<((i + 1) * rows * columns)]
          if let fault = example.fault(in: Array(result)) {
            let shape = "\(batch) \(rows) x \(depth) x \(columns) \(layouts) \(variant)"
            Issue.record("matrix \(i): \(fault); \(shape) \(TestRun.repeating(seed))")
          }
        }
      }
    }
  }

  /// Runs a product between guards, workspace and result full of NaN beforehand.
  private static func run(
    _ product: BatchedProduct, _ examples: [ProductCase],
    _ layouts: (a: MatrixLayout, b: MatrixLayout, c: MatrixLayout)
  ) -> [Float] {
    let (m, k, n, batch) = (product.rows, product.depth, product.columns, product.batch)
    let product = product.withRedZones(ofBytes: 1024)
    let a = GuardedMatrices(layouts.a, rows: m, columns: k, batch: batch, elements: examples.flatMap(\.a))
    let b = GuardedMatrices(layouts.b, rows: k, columns: n, batch: batch, elements: examples.flatMap(\.b))
    var c = GuardedMatrices(layouts.c, rows: m, columns: n, batch: batch, elements: nil, isWritten: true)
    var workspace = product.makeWorkspace()
    fill(workspace, product.layout, with: Float.nan)
    a.read { a in
      b.read { b in
        c.write { product.run(a, b, into: &$0, workspace: &workspace) }
      }
    }
    #expect(c.marksAreWhole, "\(m) x \(k) x \(n) wrote outside its result")
    #expect(damagedRedZone(workspace, product.layout) == nil, "\(m) x \(k) x \(n) left a region")
    return c.elements
  }

  /// Deep enough for blocks, and with fewer panels than threads, which then share the rows: not a bit differs.
  @Test(arguments: KernelVariant.available, [(64, 4200, 5), (67, 1100, 65), (3, 4200, 20)])
  func blocksAndThreadsDoNotShow(variant: KernelVariant, extents: (Int, Int, Int)) {
    let (rows, depth, columns) = extents
    var cases = GeneratedCases(seed: 631)
    let example = ProductCase(rows, depth, columns, hasBias: false, activation: .silu, &cases)
    var results: [[Float]] = []
    for (threads, right) in [(1, MatrixLayout.rows), (2, .transposed), (64, .rows)] {
      let product = BatchedProduct(
        rows: rows, depth: depth, columns: columns, right: right, activation: .silu,
        options: MatrixProductOptions(variant: variant, threads: threads))
      #expect(product.threadCount <= threads)
      results.append(Self.run(product, [example], (.rows, right, .rows)))
    }
    if let fault = example.fault(in: results[0]) { Issue.record("\(fault); \(variant) \(extents)") }
    #expect(results.allSatisfy { $0 == results[0] }, "\(variant) \(extents)")
  }

  /// Weights on the left, which every matrix of the batch is multiplied with, and heads that lie side by side in rows.
  @Test func stridesOfTheBatchPickMatrices() {
    var cases = GeneratedCases(seed: 632)
    let (heads, length, width) = (3, 7, 5)
    let weights: Tensor<Float> = cases.integers([length, length])
    // [length, heads, width]
    let values: Tensor<Float> = cases.integers([length, heads, width])
    let head = MatrixLayout(stride: heads * width, batchStrides: [width])
    let product = BatchedProduct(
      batch: [heads], rows: length, depth: length, columns: width, left: MatrixLayout(batchStrides: [0]),
      right: head, output: head)
    var workspace = product.makeWorkspace()
    let result = Tensor<Float>(shape: values.shape) { c in
      weights.withSpan { a in values.withSpan { product.run(a, $0, into: &c, workspace: &workspace) } }
    }
    for h in 0..<heads {
      for i in 0..<length {
        for j in 0..<width {
          let sum = (0..<length).reduce(Float(0)) { $0 + weights[i, $1] * values[$1, h, j] }
          #expect(result[i, h, j] == sum)
        }
      }
    }
  }

  @Test func matricesThatDoNotFitTrap() async {
    await #expect(processExitsWith: .failure) {
      let product = BatchedProduct(batch: [2], rows: 2, depth: 2, columns: 2)
      var workspace = product.makeWorkspace()
      var c = Tensor<Float>(shape: [8])
      c.withMutableSpan { c in
        let a = Tensor<Float>(shape: [8])
        // The second matrix of B is one element short.
        let b = Tensor<Float>(shape: [7])
        a.withSpan { a in b.withSpan { product.run(a, $0, into: &c, workspace: &workspace) } }
      }
    }
    await #expect(processExitsWith: .failure) {
      let product = BatchedProduct(rows: 2, depth: 2, columns: 2)
      var workspace = Workspace(byteCount: 0)
      var c = Tensor<Float>(shape: [4])
      c.withMutableSpan { c in
        let a = Tensor<Float>(shape: [4])
        a.withSpan { product.run($0, $0, into: &c, workspace: &workspace) }
      }
    }
    await #expect(processExitsWith: .failure) { _ = BatchedProduct(rows: 0, depth: 2, columns: 2) }
    await #expect(processExitsWith: .failure) {
      _ = BatchedProduct(rows: 2, depth: 2, columns: 2, output: .transposed)
    }
  }

  /// Only where the compiler optimises: otherwise every closure is an allocation.
  @Test(.enabled(if: isOptimised), arguments: [1, 2])
  func aSteadyRunAllocatesNothing(threads: Int) {
    var cases = GeneratedCases(seed: 633)
    let product = BatchedProduct(
      batch: [2, 4], rows: 50, depth: 64, columns: 50, right: .transposed,
      options: MatrixProductOptions(threads: threads))
    let (a, b): (Tensor<Float>, Tensor<Float>) = (cases.tensor([8, 50, 64]), cases.tensor([8, 50, 64]))
    var c = Tensor<Float>(shape: [8, 50, 50])
    var workspace = product.makeWorkspace()
    a.withSpan { a in
      b.withSpan { b in
        c.withMutableSpan { c in
          for _ in 0..<10 { product.run(a, b, into: &c, workspace: &workspace) }
          let before = lowrank_allocations()
          for _ in 0..<200 { product.run(a, b, into: &c, workspace: &workspace) }
          #expect(lowrank_allocations() == before)
        }
      }
    }
  }
}
