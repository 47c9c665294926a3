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
            let sum = (0..<n).reduce(0 as Surd) { sum, i in
              sum + form.exact.back[output * n + i] * form.exact.filter[i * r + tap]
                * form.exact.input[i * n + place]
            }
            #expect(sum == (place == output + tap ? 1 : 0), "F(\(m), \(r)): tap \(tap), input \(place)")
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
}
