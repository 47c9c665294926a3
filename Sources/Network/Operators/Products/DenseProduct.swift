import Conv
import ModelGraph
import Synchronization
import Tensors

/// An operator that is a product with a constant matrix where there is one.
protocol DenseOperator: Operator {
  /// The product; nil where both sides are computed.
  var product: DenseProduct? { get }

  /// The same operator with another product.
  func with(_ product: DenseProduct) -> Self
}

/// A product with a constant matrix, on every row of a value: a convolution of one pixel a row.
///
///     Y[m, t] = activation(sum over s of X[m, s] W[t, s] + bias[t])
final class DenseProduct: Sendable {
  private let convolution: Convolution<Float>
  /// For a few rows, where the weights come from memory and few bits hold them; made when it is first asked for.
  private let narrow = Mutex<Narrow>(.unknown)

  private enum Narrow {
    case unknown
    case known(NarrowProduct?)
  }
  /// The columns of the product.
  let outputs: Int
  /// The depth of the product.
  let inputs: Int

  /// A product with `weights` [T, S].
  init(
    weights: Tensor<Float>, bias: Tensor<Float>?, options: ConvolutionOptions
  ) throws(ConvError) {
    (outputs, inputs) = (weights.shape[0], weights.shape[1])
    let kernel = weights.reshaped([outputs, inputs, 1])
    convolution = Convolution([try ConvolutionStage(weights: kernel, bias: bias)], options: options)
  }

  private init(_ stage: ConvolutionStage<Float>, options: ConvolutionOptions) {
    (outputs, inputs) = (stage.outputChannels, stage.inputChannels)
    convolution = Convolution([stage], options: options)
  }

  /// The product with weights packed in few bits, where that is worth it.
  private func narrowProduct() -> NarrowProduct? {
    let (stage, options) = (convolution.stages[0], convolution.options)
    guard 4 * stage.weights.count >= NarrowProduct.leastByteCount, options.backend == .automatic else {
      return nil
    }
    return narrow.withLock { narrow in
      if case .known(let product) = narrow { return product }
      let product = NarrowProduct(
        stage.weights.reshaped([outputs, inputs]), bias: stage.bias, activation: stage.activation,
        options: MatrixProductOptions(variant: options.variant, threads: options.threads))
      narrow = .known(product)
      return product
    }
  }

  /// The same with a number for each column added, or with an activation behind it; nil where an activation is there
  /// already.
  func followed(by activation: Activation = .none, adding bias: [Float]? = nil) -> DenseProduct? {
    let stage = convolution.stages[0]
    guard stage.activation == .none else { return nil }
    let known = stage.bias?.elements ?? [Float](repeating: 0, count: outputs)
    let sum = bias.map { bias in Tensor<Float>(shape: [outputs], elements: zip(known, bias).map { $0 + $1 }) }
    do throws(ConvError) {
      let changed = try ConvolutionStage(
        weights: stage.weights, bias: sum ?? stage.bias, activation: activation)
      return DenseProduct(changed, options: convolution.options)
    } catch { return nil }
  }

  /// Adds the product with a row-major value `[M, S]` to a plan; the result is `[M, T]`.
  func lower(_ rows: Value, for name: String, _ plan: inout PlanBuilder) throws(LoweringStop) -> Value {
    let count = rows.extents[0]
    let narrow = count <= NarrowProduct.mostRows ? narrowProduct() : nil
    // In a concatenation rows may lie apart, which narrow products do not know of; one row has no other beside it.
    let output = try plan.make(
      [count, outputs], .float32, .rowMajor, for: narrow == nil || count == 1 ? name : nil)
    guard count > 0, outputs > 0 else { return output }
    if let narrow {
      try plan.add(
        reads: [rows], writes: [output], scratch: narrow.workspaceByteCount(rows: count),
        detail: "\(narrow.storage) weights", multiplies: count * inputs * outputs
      ) { narrow.run($0.floats(0), rows: count, into: $0.floats(1), workspace: $0.bytes(2)) }
      return output
    }
    let sized: ConvolutionPlan<Float>
    do throws(ConvError) {
      sized = try convolution.reshaped(
        inputExtents: [count], input: MapLayout(.channelLast, stride: inputs),
        output: MapLayout(.channelLast, stride: output.layout.strides[0]))
    } catch { throw plan.failure("\(error)") }
    try plan.add(sized, of: rows, to: output)
    return output
  }
}
