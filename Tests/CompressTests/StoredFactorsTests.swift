import Compress
import ONNX
import Tensors
import TestSupport
import Testing

/// The error reported is that of the factors as the file holds them, in half precision after they were rounded.
@Suite struct StoredFactorsTests {
  @Test(arguments: [ElementType.float32, .float16, .bfloat16])
  func theErrorIsThatOfTheFactorsInTheFile(type: ElementType) throws {
    var generator = SeededGenerator(seed: 51)
    let (left, right) = (
      Tensor<Float>.random([32, 4], using: &generator), Tensor<Float>.random([4, 24], using: &generator)
    )
    // Four components hold it but for its own rounding to the type.
    let product = naiveProduct(left, right).converted(to: Float.self)
    var builder = ModelBuilder()
    builder.addConvolution("pointwise", product.reshaped([32, 24, 1, 1]), type: type)
    var options = CompressionOptions()
    (options.method, options.criterion, options.rankMultiple) = (.only(.svd), .ranksRatio(1.0 / 6), 1)
    let model = try builder.model()
    var written = model
    let layer = try #require(try written.compress(options).layers.first)
    let stages = try written.layers().map {
      try written.kernel(of: $0).reshaped($0.kernelShape.map { [$0[0], $0[1]] } ?? [])
    }
    try #require(stages.count == 2 && layer.ranks == [4])
    let kernel = try model.kernel(of: try model.layers()[0]).elements.map(Double.init)
    let composed = naiveProduct(stages[1], stages[0]).elements
    let lost = zip(kernel, composed).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let error = (lost / kernel.reduce(0) { $0 + $1 * $1 }).squareRoot()
    // Each number of a product of four components is rounded four times in Float at most.
    #expect(
      abs(error - layer.relativeError) <= 4 * Double(Float.ulpOfOne), "\(error), \(layer.relativeError)")
  }
}
