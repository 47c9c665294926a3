import Decompose
import Forms
import Tensors
import TestSupport
import Testing

@Suite struct FactoredKernelTests {
  private static func kernels() -> [FactoredKernel<Double>] {
    var generator = SeededGenerator(seed: 81)
    func random(_ shape: Shape) -> Tensor<Double> { .random(shape, using: &generator) }
    func pair(_ form: FactoredForm, _ shape: Shape) -> FactoredKernel<Double> {
      let shapes = form.stages(kernel: shape).map(\.weightShape)
      return .pair(
        StagePair(first: random(shapes[0]), second: random(shapes[1]), form: form, kernelShape: shape))
    }
    return [
      .tucker2(Tucker2Factors(core: random([3, 2, 3, 5]), mode1: random([6, 3]), mode2: random([4, 2]))),
      .cp3(CP3Factors(mode1: random([6, 4]), mode2: random([5, 4]), kernel: random([4, 3, 2]))),
      .cp3(CP3Factors(mode1: random([6, 4]), mode2: random([5, 4]), kernel: random([4, 3]))),
      .cp3(CP3Factors(mode1: random([2, 7]), mode2: random([3, 7]), kernel: random([7, 2, 3, 2]))),
      .cp4(
        CP4Factors(
          mode1: random([6, 4]), mode2: random([5, 4]), vertical: random([4, 3]), horizontal: random([4, 2]))),
      pair(.spatial(rank: 3), [5, 4, 3, 2]), pair(.spatial(rank: 3, mirrored: true), [5, 4, 3, 2]),
      pair(.channel(rank: 3), [5, 4, 3, 2]), pair(.channel(rank: 3, mirrored: true), [5, 4, 3, 2]),
      pair(.channel(rank: 2), [5, 4, 3]), pair(.channel(rank: 2, mirrored: true), [5, 4, 2, 3, 2]),
      .svd(MatrixFactors(left: random([5, 2]), right: random([2, 7]), kernelShape: [5, 7, 1, 1])),
    ]
  }

  @Test(arguments: kernels())
  func reconstructsByItsFormula(kernel: FactoredKernel<Double>) {
    // A sum of at most 7 products of at most 4 numbers of magnitude up to 1.
    #expect(largestDifference(kernel.reconstructed(), naiveReconstruction(kernel)) <= 30 * Double.ulpOfOne)
  }

  @Test(arguments: kernels())
  func stagesHaveTheFormsShapes(kernel: FactoredKernel<Double>) {
    let shapes = kernel.form.stages(kernel: kernel.kernelShape).map(\.weightShape)
    #expect(kernel.stageWeights.map(\.shape) == shapes)
    let single = kernel.converted(to: Float.self)
    #expect(single.form == kernel.form && single.kernelShape == kernel.kernelShape)
    #expect(largestDifference(single.reconstructed(), kernel.reconstructed()) < 1e-5)
  }
}
