import Conv
import LinearAlgebra
import Forms
import Tensors
import TestSupport
import Testing

@Suite struct PlanTests {
  /// Every form with groups over one to three axes, by CBLAS in both precisions and by whatever a plan takes.
  @Test(arguments: 1...3)
  func everyFormEqualsItsDefinition(axes: Int) {
    for seed in TestRun.seeds(short: 40) {
      var cases = GeneratedCases(seed: seed)
      let geometry = cases.geometry(
        axes: axes, groups: cases.number(1...3), largestExtent: axes == 3 ? 7 : 13)
      for form in cases.forms(of: geometry) {
        var floats = LayerCase<Float>(geometry, form, &cases, note: TestRun.repeating(seed))
        floats.check(ConvolutionOptions())
        floats.check(ConvolutionOptions(backend: .blas))
        var doubles = LayerCase<Double>(geometry, form, &cases, note: TestRun.repeating(seed))
        doubles.check(ConvolutionOptions())
      }
    }
  }

  /// Tucker-2 against the dense convolution of the kernel it stands for.
  @Test(arguments: 1...3)
  func tucker2EqualsTheDenseConvolutionOfItsKernel(axes: Int) {
    for seed in TestRun.seeds(short: 100) {
      var cases = GeneratedCases(seed: seed)
      let geometry = cases.geometry(axes: axes, largestExtent: axes == 3 ? 7 : 13)
      let (r1, r2) = (cases.number(1...5), cases.number(1...5))
      let factors = Tucker2Factors<Float>(
        core: cases.tensor(Shape([r1, r2] + geometry.kernel)),
        mode1: cases.tensor([geometry.outputChannels, r1]),
        mode2: cases.tensor([geometry.inputChannels, r2]))
      // Three sums one after another, of S, R2 D... and R1 products: every product of all four numbers meets as many
      // roundings in Float, two at the bias, and some of Double's.
      let roundings = geometry.inputChannels + r2 * geometry.kernel.reduce(1, *) + r1 + 4
      expectDense(
        geometry, .tucker2(factors), kernel: reconstructed(factors.core, factors.mode1, factors.mode2),
        magnitudes: reconstructed(
          magnitudes(factors.core), magnitudes(factors.mode1), magnitudes(factors.mode2)),
        roundings: roundings, bias: cases.tensor([geometry.outputChannels]), &cases, seed)
    }
  }

  @Test func matrixFactorsEqualTheDenseConvolutionOfTheirKernel() throws {
    for seed in TestRun.seeds(short: 100) {
      var cases = GeneratedCases(seed: seed)
      let (t, s, rank) = (cases.number(1...9), cases.number(1...9), cases.number(1...4))
      let geometry = try ConvolutionGeometry(
        kernelShape: [t, s, 1, 1], inputExtents: cases.numbers(2, 1...9), stride: cases.numbers(2, 1...4),
        paddingBefore: cases.numbers(2, 0...2))
      let factors = MatrixFactors<Double>(
        left: cases.tensor([t, rank]), right: cases.tensor([rank, s]), kernelShape: [t, s, 1, 1])
      // As above, with two sums on either side.
      expectDense(
        geometry, .svd(factors),
        kernel: naiveProduct(factors.left, factors.right).reshaped([t, s, 1, 1]),
        magnitudes: naiveProduct(magnitudes(factors.left), magnitudes(factors.right)).reshaped([t, s, 1, 1]),
        roundings: 2 * (s + rank + 4), bias: cases.tensor([t]), &cases, seed)
    }
  }

  /// Holds a factored plan against the dense convolution with `kernel`, each element within the roundings of the sum of
  /// the products' magnitudes.
  private func expectDense<E: LapackScalar>(
    _ geometry: ConvolutionGeometry, _ factors: FactoredKernel<E>, kernel: Tensor<Double>,
    magnitudes sizes: Tensor<Double>, roundings: Int, bias: Tensor<E>, _ cases: inout GeneratedCases,
    _ seed: UInt64
  ) {
    let input: Tensor<E> = cases.tensor(geometry.inputShape)
    let positions = geometry.outputPositions
    func dense(_ input: Tensor<Double>, _ kernel: Tensor<Double>, _ bias: Tensor<Double>) -> [Double] {
      let sums = Definition(geometry, kernel.elements).run(.values, input.elements)
      return sums.enumerated().map { i, sum in sum + bias.elements[i / positions % bias.count] }
    }
    let expected = dense(input.converted(), kernel, bias.converted())
    let bounds = dense(magnitudes(input), sizes, magnitudes(bias))
    let result = runGuarded(ConvolutionPlan(geometry, factors: factors, bias: bias), input)
    for (i, element) in result.elements.enumerated() {
      #expect(
        abs(Double(element) - expected[i])
          <= Double(roundings) * Double(E.ulpOfOne) * bounds[i],
        "element \(i), \(geometry) \(factors.form), \(TestRun.repeating(seed))")
    }
  }

  @Test func aPlanForOtherShapesThrowsWhatIsWrong() {
    #expect(throws: ConvError.kernelLargerThanInput(axis: 1, kernel: 5, input: 4)) {
      try ConvolutionGeometry(kernelShape: [1, 1, 3, 3], inputExtents: [5, 4], dilation: [1, 2])
    }
    #expect(throws: ConvError.groupsDoNotDivide(channels: 3, groups: 2)) {
      try ConvolutionGeometry(kernelShape: [3, 1, 3, 3], inputExtents: [5, 5], groups: 2)
    }
    #expect(throws: ConvError.outOfRange(what: "stride", value: 0)) {
      try ConvolutionGeometry(kernelShape: [3, 1, 3], inputExtents: [5], stride: [0])
    }
    #expect(throws: ConvError.wrongCount(what: "stride", count: 1, axes: 2)) {
      try ConvolutionGeometry(kernelShape: [3, 1, 3, 3], inputExtents: [5, 5], stride: [1])
    }
    #expect(throws: ConvError.tooLarge(what: "number of multiplies")) {
      try ConvolutionGeometry(kernelShape: [1 << 30, 1 << 30, 1], inputExtents: [1 << 30])
    }
  }

  /// `sum over a, b of core[a, b] mode1[t, a] mode2[s, b]` in Double.
  private func reconstructed<E: Scalar>(
    _ core: Tensor<E>, _ mode1: Tensor<E>, _ mode2: Tensor<E>
  ) -> Tensor<Double> {
    core.converted(to: Double.self).modeProduct(mode1.converted(), mode: 1).modeProduct(
      mode2.converted(), mode: 2)
  }
}
