import Decompose
import LinearAlgebra
import ModelGraph
import Network
import ONNX
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import Compress

/// What a layer takes and makes, as files tell of it, read as patches x and responses y: then y is K x whatever the stride, the
/// padding, the groups or the operator, and so are the sums.
@Suite struct LayerReadingTests {
  @Test(arguments: [
    "conv2d", "conv2d-1x1-strided", "conv2d-same-lower", "conv2d-same-upper", "conv2d-valid", "conv1d",
    "conv3d",
    "conv-grouped", "conv-transpose", "conv-bn", "gemm", "gemm-transb", "gemm-transa",
    "gemm-transa-transb-alpha-beta", "gemm-no-bias-alpha", "matmul-left", "matmul-left-3d",
    "matmul-right", "matmul-right-3d",
  ])
  func responsesAreTheKernelTimesThePatches(name: String) throws {
    let model = try ModelGraph(onnx: Vectors.path("\(name).onnx"))
    let layer = try #require(try model.layers().first)
    let reading = try LayerReading(layer, model)
    let x = try Self.tensor("\(name).input.npy")
    let isWhole = model.main.outputs.map(\.name) == [reading.output]
    let made = try Network(model).run([reading.input: NetworkTensor(x)], outputs: [reading.output])
    let y = isWhole ? try Self.tensor("\(name).output.npy") : try #require(made[reading.output]?.floats)
    let windows = try #require(reading.windows(input: x.shape, output: y.shape))
    #expect(windows.count * layer.groups * reading.responses == y.count)
    let kernel = try model.kernel(of: layer)
    for group in 0..<layer.groups {
      var sums = MomentSums(patch: reading.patch, responses: reading.responses, threads: 2)
      reading.add(0..<windows.count, of: windows, group: group, input: x, output: y, to: &sums)
      let moments = sums.moments()
      #expect(moments.count == windows.count)
      let rows = (group * reading.responses)..<((group + 1) * reading.responses)
      let part = Tensor(kernel.view.sliced(axis: 0, rows))
        .reshaped([reading.responses, reading.patch]).converted(to: Double.self)
      let expected = matrixProduct(part, moments.patchGram)
      // Outputs are of Float: each is off by n epsilon of its terms at most, and each sum by that of its own.
      let size = (part.squaredNorm * moments.patchGram.squaredNorm).squareRoot()
      let tolerance = Double(reading.patch + 4) * 0x1p-23 * size
      let differences = zip(expected.elements, moments.crossGram.elements).map { abs($0 - $1) }
      #expect(differences.max() ?? .infinity <= tolerance)
    }
  }

  private static func tensor(_ name: String) throws -> Tensor<Float> {
    switch try NPYFile(contentsOf: Vectors.path(name)).tensor {
    case .float(let tensor): tensor
    case .double(let tensor): tensor.converted()
    }
  }
}
