import ModelGraph
import Tensors

/// How a layer's patches and responses lie in the tensors that it takes and makes.
///
/// The response is `K x`: what the layer makes less what it adds, by its own gain.
struct LayerReading: Sendable {
  let layer: FactorableLayer
  /// The value that it takes.
  let input: String
  /// The value that it makes, behind a BatchNormalization that is folded into it.
  let output: String
  /// Numbers of a patch of one group.
  let patch: Int
  /// Output channels of one group.
  let responses: Int
  /// What the layer adds to each output channel.
  let offset: [Double]
  /// What the layer multiplies `K x` with: `alpha` of a Gemm.
  let gain: Double
  private let node: Node

  /// The reading of a layer, or why there is none.
  init(_ layer: FactorableLayer, _ model: ModelGraph) throws(Obstacle) {
    guard let kernel = layer.kernelShape, layer.obstacle == nil else {
      throw Obstacle(reason: layer.obstacle ?? "its weight could not be found")
    }
    node = model.main.nodes[layer.node]
    self.layer = layer
    input = node.inputs[layer.dataSide]
    output = layer.batchNormalization.map { model.main.nodes[$0.node].outputs[0] } ?? node.outputs[0]
    (patch, responses) = (kernel.count / kernel[0], kernel[0] / layer.groups)
    gain = layer.op == .gemm ? Double(node.float("alpha", default: 1)) : 1
    guard let offset = model.main.offset(of: layer) else {
      throw Obstacle(reason: "what it adds is not one constant an output channel")
    }
    guard gain != 0 else { throw Obstacle(reason: "its alpha is 0") }
    guard patch <= Self.longestPatch else {
      throw Obstacle(reason: "the moments of its patches of \(patch) numbers are too large")
    }
    self.offset = offset
  }

  /// Why a layer is not fitted to data.
  struct Obstacle: Error {
    let reason: String
  }

  /// The Gram matrix of longer patches would take more than 512 MiB.
  private static let longestPatch = 8192

  /// Whether a constant can be added to the layer: to a plain matrix product none is.
  var fitsBias: Bool { layer.op != .matMul }

  /// The windows of the layer over tensors of some shapes; nil where these do not fit it.
  func windows(input: Shape, output: Shape) -> LayerWindows? {
    layer.op.isConvolution
      ? LayerWindows(convolution: node, layer, input: input, output: output)
      : LayerWindows(product: node, layer, input: input, output: output)
  }

  /// Adds positions of one group to sums.
  ///
  /// **Shapes** `input` and `output` as the windows were made for.
  func add(
    _ positions: some Sequence<Int>, of windows: LayerWindows, group: Int, input: Tensor<Float>,
    output: Tensor<Float>, to sums: inout MomentSums
  ) {
    input.withSpan { x in
      output.withSpan { y in
        var taps = [Int](repeating: 0, count: windows.taps)
        sums.add(positions) { position, row, patches, targets in
          windows.locate(position, &taps)
          let channels = patch / taps.count
          var place = row * patch
          for channel in 0..<channels {
            let base = windows.inputBase(position, channel: group * channels + channel)
            for tap in taps {
              patches[place] = tap < 0 ? 0 : Double(x[base + tap])
              place += 1
            }
          }
          for t in 0..<responses {
            let channel = group * responses + t
            let value = Double(y[windows.outputPlace(position, channel: channel)])
            targets[row * responses + t] = (value - offset[channel]) / gain
          }
        }
      }
    }
  }
}
