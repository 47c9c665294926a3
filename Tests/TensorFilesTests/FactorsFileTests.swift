import Forms
import TensorFiles
import Tensors
import TestSupport
import Testing

@Suite struct FactorsFileTests {
  private static func random(_ shape: Shape) -> Tensor<Float> {
    var generator = SeededGenerator(seed: UInt64(shape.count))
    return .random(shape, using: &generator)
  }

  static let kernels: [FactoredKernel<Float>] = [
    .tucker2(Tucker2Factors(core: random([2, 3, 3, 3]), mode1: random([5, 2]), mode2: random([4, 3]))),
    .cp3(CP3Factors(mode1: random([5, 2]), mode2: random([4, 2]), kernel: random([2, 3, 3]))),
    .cp4(
      CP4Factors(
        mode1: random([5, 2]), mode2: random([4, 2]), vertical: random([2, 3]), horizontal: random([2, 3]))),
    .svd(MatrixFactors(left: random([5, 2]), right: random([2, 4]), kernelShape: [5, 4, 1, 1])),
    .pair(
      StagePair(
        first: random([2, 4, 3, 1]), second: random([5, 2, 1, 3]), form: .spatial(rank: 2),
        kernelShape: [5, 4, 3, 3])),
  ]

  @Test(arguments: kernels)
  func factorsAreReadBack(kernel: FactoredKernel<Float>) throws {
    let file = FactorsFile.file(kernel) { .float($0) }
    let read = try SafetensorsFile(data: file.data, path: "memory")
    let factors = try FactorsFile.factors(read, path: "memory", as: Float.self)
    #expect(factors.form == kernel.form)
    #expect(factors.kernelShape == kernel.kernelShape)
    #expect(factors.stageWeights == kernel.stageWeights)
  }

  /// Small factors that stand for a kernel no machine holds, or that do not fit together.
  @Test func factorsThatCannotBeMeantAreErrors() {
    let tall = SafetensorsFile.Entry(.float(Tensor(shape: [100_000, 1], repeating: 1)))
    let wide = SafetensorsFile.Entry(.float(Tensor(shape: [1, 100_000], repeating: 1)))
    let one = SafetensorsFile.Entry(.float(Tensor(shape: [3, 1], repeating: 1)))
    for tensors in [
      ["left": tall, "right": wide], ["left": one, "right": one], ["core": one, "mode1": one, "mode2": one],
      ["mode1": one, "mode2": one], ["first": one, "second": one], [:],
    ] {
      #expect(throws: FileError.self) {
        try FactorsFile.factors(SafetensorsFile(tensors: tensors), path: "f", as: Float.self)
      }
    }
  }
}
