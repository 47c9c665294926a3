import Conv
import Tensors

/// A layer of a network: a plan, made once, which any number of tasks may run.
struct Layer: Sendable {
  let plan: ConvolutionPlan<Float>

  /// The milliseconds an image when `tasks` tasks run `images` images through the layer, the best of three rounds.
  func milliseconds(_ image: Tensor<Float>, images: Int, tasks: Int) async -> Double {
    var best = Double.infinity
    for _ in 0..<3 {
      best = min(best, await round(image, images: images, tasks: tasks) / .milliseconds(images))
    }
    return best
  }

  private func round(_ image: Tensor<Float>, images: Int, tasks: Int) async -> Duration {
    await ContinuousClock().measure {
      await withTaskGroup(of: Void.self) { group in
        for task in 0..<tasks {
          let part = (task + 1) * images / tasks - task * images / tasks
          group.addTask { run(image, times: part) }
        }
      }
    }
  }

  /// One task's part. The workspace and the output are the task's own and serve for every image: nothing is allocated
  /// between them.
  private func run(_ image: Tensor<Float>, times: Int) {
    var workspace = plan.makeWorkspace()
    var output = Tensor<Float>(shape: plan.outputShape)
    for _ in 0..<times {
      output.withMutableSpan { output in
        image.withSpan { plan.run(input: $0, output: &output, workspace: &workspace) }
      }
    }
  }
}
