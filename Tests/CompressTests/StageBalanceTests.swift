import Forms
import Tensors
import TestSupport
import Testing

@testable import Compress

/// Scales that are moved between stages: nothing changes but what rounding loses.
@Suite struct StageBalanceTests {
  /// Factors whose inner channels differ in scale by a thousand in one stage, and as much the other way in the other.
  private static func skewed(_ form: FactoredForm, _ kernel: Shape) -> FactoredKernel<Float> {
    var generator = SeededGenerator(seed: 3)
    let parts = form.partShapes(kernel: kernel).map { Tensor<Float>.random($0, using: &generator) }
    let first = FactoredKernel(form: form, kernelShape: kernel, parts: parts)
    guard form.kind == .svd else { return first }
    return FactoredKernel(
      form: form, kernelShape: kernel,
      parts: parts.map { part in
        var part = part
        let axis = part.shape[0] == kernel[0] ? 1 : 0
        let places = ChannelPlaces(part.shape, axis: axis)
        part.withMutableSpan { values in
          for i in values.indices {
            let isEven = places.channel(i) % 2 == 0
            values[i] *= (axis == 1) == isEven ? 1024 : 1
          }
        }
        return part
      })
  }

  @Test(arguments: [
    (FactoredForm(.svd, ranks: [6]), Shape([24, 20])),
    (FactoredForm.tucker2(outputRank: 5, inputRank: 7), Shape([12, 14, 3, 3])),
    (FactoredForm(.cp3, ranks: [5]), Shape([12, 14, 3, 3])),
    (FactoredForm(.cp4, ranks: [5]), Shape([12, 14, 3, 5])),
    (FactoredForm(.spatial, ranks: [6]), Shape([12, 14, 3, 3])),
  ])
  func theKernelStays(form: FactoredForm, kernel: Shape) {
    let factors = Self.skewed(form, kernel)
    let balanced = factors.balanced()
    // Powers of two move every product as a whole, and sums of the same products are the same.
    #expect(balanced.reconstructed() == factors.reconstructed())
  }

  @Test func integersLoseLessWhenBalanced() {
    let kernel = Shape([24, 20])
    let factors = Self.skewed(FactoredForm(.svd, ranks: [6]), kernel)
    let exact = factors.reconstructed()
    func error(_ stored: FactoredKernel<Float>) -> Double {
      let pairs = zip(exact.elements, stored.reconstructed().elements)
      let lost = pairs.reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
      return (lost / exact.elements.reduce(0.0) { $0 + Double($1) * Double($1) }).squareRoot()
    }
    let stages = Dictionary(uniqueKeysWithValues: factors.form.kind.stages.map { ($0.name, $0) })
    let plain = FactoredKernel(
      form: factors.form, kernelShape: kernel,
      parts: zip(factors.form.kind.parts, factors.parts).map { name, part in
        WeightFormat.int8.rounded(part, axis: stages[name]?.layout == .transposed ? 1 : 0)
      })
    #expect(error(factors.rounded(to: .int8)) < 0.02)
    #expect(error(plain) > 4 * error(factors.rounded(to: .int8)))
  }

  @Test(arguments: [0, 1])
  func roundingAgainChangesNothing(axis: Int) {
    var generator = SeededGenerator(seed: 9)
    let tensor = Tensor<Float>.random([31, 17], using: &generator)
    for format in [WeightFormat.float16, .int8] {
      let once = format.rounded(tensor, axis: axis)
      #expect(format.rounded(once, axis: axis) == once)
      #expect(once != tensor)
    }
    let once = WeightFormat.int8.rounded(tensor, axis: axis)
    #expect(once.channelScales(axis: axis) == tensor.channelScales(axis: axis))
  }
}
