import Conv
import ModelGraph
import Synchronization
import Tensors

/// A product with a constant matrix, on every row of a value: a convolution of one pixel a row.
///
///     Y[m, t] = activation(sum over s of X[m, s] W[t, s] + bias[t])
final class DenseProduct: Sendable {
  private let convolution: Convolution<Float>
  /// The columns of the product.
  let outputs: Int
  /// The depth of the product.
  let inputs: Int

  /// A product with `weights` [T, S].
  init(
    weights: Tensor<Float>, bias: Tensor<Float>?, activation: Activation = .none, options: ConvolutionOptions
  ) throws(ConvError) {
    (outputs, inputs) = (weights.shape[0], weights.shape[1])
    let kernel = weights.reshaped([outputs, inputs, 1])
    convolution = Convolution(
      [try ConvolutionStage(weights: kernel, bias: bias, activation: activation)], options: options)
  }

  /// Adds the product with a row-major value `[M, S]` to a plan; the result is `[M, T]`.
  func lower(_ rows: Value, for name: String, _ plan: inout PlanBuilder) throws(LoweringStop) -> Value {
    let count = rows.extents[0]
    let output = try plan.make([count, outputs], .float32, .rowMajor, for: name)
    guard count > 0, outputs > 0 else { return output }
    let sized: ConvolutionPlan<Float>
    do throws(ConvError) {
      sized = try convolution.reshaped(
        inputExtents: [count], input: MapLayout(.channelLast, stride: inputs), output: .channelLast)
    } catch { throw plan.failure("\(error)") }
    try plan.add(
      reads: [rows], writes: [output], scratch: sized.workspaceByteCount + 64, detail: sized.explain,
      multiplies: sized.multiplies
    ) { memory in
      sized.run(
        input: memory.floats(0), residual: nil, output: memory.floats(1), workspace: memory.bytes(2))
    }
    return output
  }
}
