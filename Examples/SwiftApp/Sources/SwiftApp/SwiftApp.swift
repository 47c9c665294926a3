import Conv
import Decompose
import Forms
import Tensors

/// Factors a layer once, keeps the plan, and runs images through it from several tasks.
@main
struct SwiftApp {
  static func main() async throws {
    let kernel = trainedKernel(outputs: 128, inputs: 128, rank: 24)
    let geometry = try ConvolutionGeometry(
      kernelShape: kernel.shape, inputExtents: [56, 56], paddingBefore: [1, 1], paddingAfter: [1, 1])

    let analysis = try Tucker2Analysis(kernel)
    guard let ranks = analysis.ranks(error: 0.1, multiple: 8, cost: weights(of: kernel.shape)) else { return }
    let factored = try analysis.decomposition(outputRank: ranks.output, inputRank: ranks.input)
    print("\(kernel.shape) as \(factored.kernel.form), relative error \(rounded(factored.relativeError))")

    let image = randomTensor(geometry.inputShape, seed: 7)
    let slow = Layer(plan: ConvolutionPlan(geometry, kernel: kernel))
    let fast = Layer(plan: ConvolutionPlan(geometry, factors: factored.kernel))
    print("the outputs differ by \(rounded(relativeDifference(slow.plan.run(image), fast.plan.run(image))))")
    for tasks in [1, 2, 4] {
      let dense = await slow.milliseconds(image, images: 64, tasks: tasks)
      let factored = await fast.milliseconds(image, images: 64, tasks: tasks)
      print("\(tasks) tasks: dense \(rounded(dense)) ms an image, factored \(rounded(factored)) ms")
    }
  }

  /// What the ranks are chosen by: the weights of the factored layer.
  private static func weights(of kernel: Shape) -> (Int, Int) -> Int {
    { FactoredForm.tucker2(outputRank: $0, inputRank: $1).weightCount(kernel: kernel) }
  }
}
