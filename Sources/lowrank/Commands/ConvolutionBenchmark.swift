import Conv
import Forms
import Tensors

/// One layer timed in one form, and its answer checked: what `lowrank bench conv` prints; the names are the JSON's.
struct ConvolutionBenchmark: Encodable, Sendable {
  /// The form, as the command line has it.
  let form: String
  /// The median time of a run, in milliseconds.
  let medianMs: Double
  /// The shortest time of a run, in milliseconds.
  let minMs: Double
  /// The multiplies of all stages, as the form has them (an algorithm such as Winograd may do fewer).
  let macs: Int
  /// Two operations a multiply, over the median time, in 10^9 a second.
  let gflops: Double
  /// The number of threads that ran, the least of all runs.
  let threads: Int
  /// The largest absolute difference from the same stages run in Double by im2col and GEMM.
  let maxAbsDiff: Double
  /// The size of the workspace in bytes.
  let workspaceBytes: Int
  /// What the plan chose and why, in words; nil where nobody asked.
  let explanation: String?

  /// Times `form` of a layer on random numbers: weights scaled to keep the variance, inputs from -1 to 1.
  ///
  /// `threads` is what is asked for, whatever `options` says. Repeats until `repetitions` runs are done, at least five; the
  /// first three runs are not counted.
  ///
  /// **Complexity** holds the layer's maps in Float and in Double.
  static func run(
    _ geometry: ConvolutionGeometry, form: FactoredForm, threads: Int = 1, repetitions: Int = 30,
    options: ConvolutionOptions = ConvolutionOptions(), explaining: Bool = false
  ) -> ConvolutionBenchmark {
    var options = options
    options.threads = threads
    var random = SeededGenerator(seed: 1)
    let shapes = form.stages(kernel: geometry.kernelShape, groups: geometry.groups)
    let weights = shapes.map { stage in
      tensor(
        stage.weightShape, scale: (Float(stage.outputs) / Float(stage.weightCount)).squareRoot(), &random)
    }
    let bias: Tensor<Float> = random.tensor([geometry.outputChannels])
    let input: Tensor<Float> = random.tensor(geometry.inputShape)
    let plan = ConvolutionPlan(
      geometry, stages: shapes, weights: weights, bias: bias, options: options)
    var workspace = plan.makeWorkspace()
    var output = Tensor<Float>(shape: geometry.outputShape, repeating: .nan)
    var times: [Double] = []
    var ran = plan.threadCount
    let clock = ContinuousClock()
    input.withSpan { input in
      output.withMutableSpan { output in
        for _ in 0..<(3 + max(5, repetitions)) {
          let time = clock.measure {
            ran = min(ran, plan.runCountingThreads(input: input, output: &output, workspace: &workspace))
          }
          times.append(Double(time.components.seconds) * 1e3 + Double(time.components.attoseconds) * 1e-15)
        }
      }
    }
    times.removeFirst(3)
    times.sort()
    let reference = ConvolutionPlan<Double>(
      geometry, stages: shapes, weights: weights.map { $0.converted() }, bias: bias.converted(),
      options: ConvolutionOptions(threads: threads)
    ).run(input.converted())
    let median = times[times.count / 2]
    return ConvolutionBenchmark(
      form: form.description, medianMs: median, minMs: times[0], macs: plan.multiplies,
      gflops: 2 * Double(plan.multiplies) / (median * 1e6), threads: ran,
      maxAbsDiff: largestDifference(output, reference), workspaceBytes: plan.workspaceByteCount,
      explanation: explaining ? plan.explain : nil)
  }

  /// The largest absolute difference; infinite where one side is not a number.
  private static func largestDifference(_ a: Tensor<Float>, _ b: Tensor<Double>) -> Double {
    a.withSpan { a in
      b.withSpan { b in
        a.indices.reduce(0) { worst, i in
          let difference = abs(Double(a[i]) - b[i])
          return difference.isNaN ? .infinity : max(worst, difference)
        }
      }
    }
  }
}

/// Numbers from `-scale` to `scale`.
private func tensor(_ shape: Shape, scale: Float, _ random: inout SeededGenerator) -> Tensor<Float> {
  var numbers: Tensor<Float> = random.tensor(shape)
  numbers.withMutableSpan { span in
    for i in span.indices { span[i] *= scale }
  }
  return numbers
}
