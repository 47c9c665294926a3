import Conv
import LinearAlgebra
import TensorCore
import TestSupport
import Testing

@Suite struct PlanTests {
  /// 200 dense geometries of each order, in both precisions.
  @Test(arguments: 1...3)
  func denseConvolutionEqualsItsDefinition(axes: Int) {
    var cases = GeneratedCases(seed: UInt64(axes))
    for _ in 0..<200 {
      let geometry = cases.geometry(
        axes: axes, groups: cases.number(1...3), largestExtent: axes == 3 ? 7 : 13)
      checkDense(Float.self, geometry, &cases)
      checkDense(Double.self, geometry, &cases)
    }
  }

  private func checkDense<E: LapackScalar>(
    _: E.Type, _ geometry: ConvolutionGeometry, _ cases: inout GeneratedCases
  ) {
    let kernel: Tensor<E> = cases.tensor(geometry.kernelShape)
    let input: Tensor<E> = cases.tensor(geometry.inputShape)
    let bias: Tensor<E> = cases.tensor([geometry.outputChannels])
    let expected = ReferenceConvolution.run(geometry, input: input, kernel: kernel, bias: bias)
    let result = runGuarded(ConvolutionPlan(geometry, kernel: kernel, bias: bias), input)
    // A sum of k products of numbers up to 1 and a bias: k + 1 roundings of partial sums no larger than k + 1.
    let k = Double(geometry.kernelShape.count / geometry.outputChannels + 1)
    #expect(largestDifference(result, expected) <= k * k * Double(E.ulpOfOne), "\(geometry)")
  }

  /// 200 factored geometries of each order: Tucker-2 against the dense convolution of the kernel it stands for.
  @Test(arguments: 1...3)
  func tucker2EqualsTheDenseConvolutionOfItsKernel(axes: Int) {
    var cases = GeneratedCases(seed: UInt64(10 + axes))
    for _ in 0..<200 {
      let geometry = cases.geometry(axes: axes, largestExtent: axes == 3 ? 7 : 13)
      let (r1, r2) = (cases.number(1...5), cases.number(1...5))
      let factors = Tucker2Factors<Float>(
        core: cases.tensor(Shape([r1, r2] + geometry.kernel)),
        mode1: cases.tensor([geometry.outputChannels, r1]),
        mode2: cases.tensor([geometry.inputChannels, r2]))
      let input: Tensor<Float> = cases.tensor(geometry.inputShape)
      let bias: Tensor<Float> = cases.tensor([geometry.outputChannels])
      let expected = ReferenceConvolution.run(
        geometry, input: input.converted(to: Double.self), kernel: reconstructed(factors),
        bias: bias.converted())
      let plan = ConvolutionPlan(geometry, factors: .tucker2(factors), bias: bias)
      // Three sums one after another, of S, R2 D... and R1 products. A partial sum is at most the product of all
      // extents so far (every number is at most 1), and each product meets S + R2 D... + R1 + 1 roundings.
      let taps = geometry.kernel.reduce(1, *)
      let size = Double(geometry.inputChannels * r2 * taps * r1 + 1)
      let roundings = Double(geometry.inputChannels + r2 * taps + r1 + 1)
      let bound = size * roundings * Double(Float.ulpOfOne)
      #expect(largestDifference(runGuarded(plan, input), expected) <= bound, "\(geometry) \(r1) \(r2)")
    }
  }

  @Test func matrixFactorsEqualTheDenseConvolutionOfTheirKernel() throws {
    var cases = GeneratedCases(seed: 21)
    for _ in 0..<100 {
      let (t, s, rank) = (cases.number(1...9), cases.number(1...9), cases.number(1...4))
      let geometry = try ConvolutionGeometry(
        kernelShape: [t, s, 1, 1], inputExtents: cases.numbers(2, 1...9), stride: cases.numbers(2, 1...2),
        paddingBefore: cases.numbers(2, 0...1))
      let factors = MatrixFactors<Double>(
        left: cases.tensor([t, rank]), right: cases.tensor([rank, s]), kernelShape: [t, s, 1, 1])
      let input: Tensor<Double> = cases.tensor(geometry.inputShape)
      let kernel = matrixProduct(factors.left, factors.right).reshaped([t, s, 1, 1])
      let expected = ReferenceConvolution.run(geometry, input: input, kernel: kernel)
      let result = runGuarded(ConvolutionPlan(geometry, factors: .svd(factors)), input)
      // As above, with two sums on either side.
      let bound = 2 * Double(s * rank * (s + rank)) * Double.ulpOfOne
      #expect(largestDifference(result, expected) <= bound, "\(geometry)")
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
  private func reconstructed(_ factors: Tucker2Factors<Float>) -> Tensor<Double> {
    let core = factors.core.converted(to: Double.self)
    return core.modeProduct(factors.mode1.converted(), mode: 1).modeProduct(
      factors.mode2.converted(), mode: 2)
  }
}
