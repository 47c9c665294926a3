import Benchmark
import Conv
import LinearAlgebra
import Forms
import Tensors

/// 3x3 layers as they stand in ResNet and VGG: channels, and the extent of the square map.
private let layers = [(64, 56), (128, 28), (256, 14), (512, 7), (128, 112)]

/// Each layer dense and in Tucker-2 form with a half and a quarter of the channels, by a plan made beforehand.
func addConvolutions() {
  for (channels, extent) in layers {
    let quarter = FactoredForm.tucker2(outputRank: channels / 4, inputRank: channels / 4)
    let half = FactoredForm.tucker2(outputRank: channels / 2, inputRank: channels / 2)
    for form in [FactoredForm.dense, half, quarter] {
      let name = "conv \(channels)x\(channels)x3x3 at \(extent)x\(extent) \(form)"
      Benchmark(name) { (benchmark, layer: PlannedLayer) in
        BLASLibrary.withThreads(1) {
          for _ in benchmark.scaledIterations { layer.run() }
        }
      } setup: {
        try PlannedLayer(channels: channels, extent: extent, form: form)
      }
    }
  }
}

/// A plan with random weights, its input, its output and its workspace.
private final class PlannedLayer {
  private let plan: ConvolutionPlan<Float>
  private let input: Tensor<Float>
  private var output: Tensor<Float>
  private var workspace: Workspace

  init(channels: Int, extent: Int, form: FactoredForm) throws {
    let geometry = try ConvolutionGeometry(
      kernelShape: [channels, channels, 3, 3], inputExtents: [extent, extent], paddingBefore: [1, 1],
      paddingAfter: [1, 1])
    var random = SeededGenerator(seed: 3)
    let stages = form.stages(kernel: geometry.kernelShape)
    plan = ConvolutionPlan(geometry, stages: stages, weights: stages.map { random.tensor($0.weightShape) })
    input = random.tensor(geometry.inputShape)
    output = Tensor(shape: geometry.outputShape)
    workspace = plan.makeWorkspace()
  }

  func run() {
    input.withSpan { input in
      output.withMutableSpan { output in plan.run(input: input, output: &output, workspace: &workspace) }
    }
  }
}
