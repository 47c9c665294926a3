import Tensors
import TestSupport
import Testing

@testable import Conv

/// The constants of Winograd's algorithm: exactly in rational arithmetic, and in the plans by numbers that show each of them.
@Suite struct WinogradTests {
  /// A^T [(G g) . (B^T d)] is the correlation of d with g for all basis vectors, hence for all; along two axes, the same.
  @Test func everyFormIsTheCorrelationExactly() {
    for form in WinogradMatrices.all {
      let (n, m, r) = (form.side, form.tile, form.kernel)
      for tap in 0..<r {
        for place in 0..<n {
          for output in 0..<m {
            var sum: Surd = 0
            for i in 0..<n {
              let product: Surd = form.exact.filter[i * r + tap] * form.exact.input[i * n + place]
              sum = sum + form.exact.back[output * n + i] * product
            }
            let expected: Surd = place == output + tap ? 1 : 0
            #expect(sum == expected, "F(\(m), \(r)): tap \(tap), input \(place)")
          }
        }
      }
    }
  }

  @Test func plansHaveTheExactFilterTransforms() {
    #expect(
      WinogradForm.all.map { WinogradMatrices.of($0).filter.count }
        == WinogradMatrices.all.map(\.filter.count))
    for (form, exact) in zip(WinogradForm.all, WinogradMatrices.all) {
      for (element, expected) in zip(form.filter.flatMap { $0 }, exact.filter) {
        // A few roundings of factors and their product; where the element is 0, each of its factors is exact.
        #expect(abs(element - expected) <= 16 * Double.ulpOfOne * abs(expected), "\(form.name)")
      }
    }
  }

  /// The oracle's two ways through a convolution agree, so that its bounds are about the same sums.
  @Test func tilesAndDefinitionAgreeInDouble() {
    for seed in TestRun.seeds(short: 4) {
      for form in WinogradMatrices.all {
        var cases = GeneratedCases(seed: seed)
        let geometry = cases.geometry(
          height: form.axes == .across ? 1 : form.kernel, width: form.axes == .down ? 1 : form.kernel)
        let definition = Definition(geometry, cases.tensor(geometry.kernelShape).elements)
        let input: Tensor<Double> = cases.tensor(geometry.inputShape)
        let direct = definition.run(.values, input.elements)
        let byTiles = definition.run(.values, input.elements, tiles: form)
        let sizes = definition.run(.magnitudes, input.elements.map(abs), tiles: form)
        let roundings = Double(2 * (geometry.inputChannels + 4 * form.side + 24))
        for i in direct.indices {
          #expect(
            abs(direct[i] - byTiles[i]) <= roundings * Double.ulpOfOne * sizes[i],
            "\(geometry) \(TestRun.repeating(seed))")
        }
      }
    }
  }

  /// One weight and one pixel: each result is one product of the constants, 1 where they meet and else 0.
  @Test(arguments: KernelVariant.available, WinogradForm.all)
  func everyTapMeetsEveryPixel(variant: KernelVariant, form: WinogradForm) throws {
    let (sides, kernels) = (form.sides, form.kernels)
    let (pixels, taps) = (sides.height * sides.width, kernels.height * kernels.width)
    let options = ConvolutionOptions(winograd: .tile(form.tile), variant: variant)
    // Every tap in an output channel of its own, every pixel of the tile in an image of its own.
    let geometry = try ConvolutionGeometry(
      batch: pixels, kernelShape: [taps, 1, kernels.height, kernels.width],
      inputExtents: [sides.height, sides.width])
    let kernel = Tensor<Float>(
      shape: geometry.kernelShape, elements: (0..<(taps * taps)).map { $0 % (taps + 1) == 0 ? 1 : 0 })
    let input = Tensor<Float>(
      shape: geometry.inputShape, elements: (0..<(pixels * pixels)).map { $0 % (pixels + 1) == 0 ? 1 : 0 })
    let plan = ConvolutionPlan(geometry, kernel: kernel, options: options)
    #expect(plan.winogradForm(ofStage: 0) == form)
    var oracle = StageOracle(input.elements.map(Double.init), unit: Double(Float.ulpOfOne) / 2)
    oracle.apply(plan.stages[0], weights: kernel.elements.map(Double.init), form: form)
    #expect(Set(oracle.values) == [0, 1] && oracle.bounds.allSatisfy { $0 < 1e-2 })
    if let fault = oracle.fault(in: runGuarded(plan, input)) { Issue.record("\(form.name): \(fault)") }
  }

  /// Taps that are apart: every phase has tiles of its own, cut off by the edges, in bands and by several threads.
  @Test(arguments: KernelVariant.available)
  func dilatedTilesEqualTheDefinition(variant: KernelVariant) throws {
    for seed in TestRun.seeds(short: 6) {
      var cases = GeneratedCases(seed: seed)
      for kernel in [[3, 3], [5, 5], [2, 2], [3, 1], [1, 5]] {
        let dilation = kernel.map { $0 == 1 ? 1 : cases.number(1...6) }
        let reach = zip(kernel, dilation).map { ($0 - 1) * $1 }
        let geometry = try ConvolutionGeometry(
          batch: cases.number(1...2),
          kernelShape: Shape([cases.number(1...40), cases.number(1...20)] + kernel),
          inputExtents: reach.map { $0 + cases.number(6...23) }, dilation: dilation,
          paddingBefore: reach.map { cases.number(0...$0) }, paddingAfter: reach.map { cases.number(0...$0) })
        var layer = LayerCase<Float>(geometry, .dense, &cases, note: TestRun.repeating(seed))
        for tile in [2, 4, 5, 6] {
          layer.check(
            ConvolutionOptions(
              winograd: .tile(tile), variant: variant, band: cases.number(1...20),
              threads: cases.number(1...3)))
        }
      }
    }
  }

  /// Weights that would take much memory transformed are transformed in each run, to the same result for any threads, and
  /// nothing of them is kept.
  @Test(arguments: KernelVariant.available, [4, 5])
  func weightsOfLargeLayersAreTransformedInTheRun(variant: KernelVariant, tile: Int) throws {
    var cases = GeneratedCases(seed: 91)
    // Neither fills vectors, panels or the chunks that are transformed together.
    let geometry = try ConvolutionGeometry(
      kernelShape: [227, 163, 3, 3], inputExtents: [23, 19], paddingBefore: [1, 1], paddingAfter: [1, 0])
    var layer = LayerCase<Float>(geometry, .dense, &cases)
    let options = ConvolutionOptions(
      winograd: .tile(tile), weights: .cold, variant: variant)
    let plan = ConvolutionPlan(geometry, kernel: layer.weights[0], options: options)
    let design = try #require(plan.banded).design
    #expect(design.madeTogether(0) != nil && design.packing(0) == .asTheyLie)
    let kept = ConvolutionPlan(
      geometry, kernel: layer.weights[0], options: ConvolutionOptions(winograd: .tile(tile), variant: variant)
    )
    #expect(try #require(kept.banded).design.madeTogether(0) == nil)
    layer.check(options)
    let alone = runGuarded(plan, layer.input)
    for threads in [2, 3] {
      var shared = options
      (shared.threads, shared.band) = (threads, 4)
      #expect(
        runGuarded(ConvolutionPlan(geometry, kernel: layer.weights[0], options: shared), layer.input) == alone
      )
    }
  }
}
