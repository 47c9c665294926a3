internal import TensorFiles
package import Tensors

/// A BatchNormalization straight behind a convolution, as the scale and shift that it is for a trained model.
///
///     y = scale x + shift,   scale = gamma / sqrt(variance + epsilon),   shift = beta - scale mean
///
/// **Source** the ONNX operator's definition; computed in Double.
package struct BatchNormalization: Sendable {
  /// The place in the graph's nodes.
  package let node: Int
  /// One number an output channel.
  package let scale: [Double]
  /// One number an output channel, the convolution's own bias included.
  package let shift: [Double]

  /// Each output channel of a kernel `[T, ...]` times its scale.
  package func scaled(_ kernel: Tensor<Float>) -> Tensor<Float> {
    var result = kernel
    let channel = kernel.count / max(1, scale.count)
    result.withMutableSpan { values in
      for (t, factor) in scale.enumerated() {
        for i in (t * channel)..<((t + 1) * channel) { values[i] = Float(Double(values[i]) * factor) }
      }
    }
    return result
  }
}

extension Graph {
  /// The BatchNormalization that alone uses the output of the node at `place`, if it can be folded into that node.
  ///
  /// **Throws** `FileError` where its parameters lie in a file that cannot be read.
  func foldableBatchNormalization(
    behind place: Int, outputChannels: Int, _ index: GraphIndex
  ) throws(FileError) -> BatchNormalization? {
    let convolution = nodes[place]
    guard let value = convolution.outputs.first, index.isUsedOnlyOnce(value),
      let next = index.consumers[value]?.first
    else { return nil }
    let normalization = nodes[next]
    guard normalization.isPlainBatchNormalization, normalization.inputs[0] == value else { return nil }
    var vectors: [Tensor<Float>] = []
    for name in normalization.inputs.dropFirst() + (convolution.input(2).map { [$0] } ?? []) {
      guard let stored = index.weight(name, in: self), stored.extents == [outputChannels],
        let vector = try stored.floats()
      else { return nil }
      vectors.append(vector)
    }
    let epsilon = Double(normalization.float("epsilon", default: 1e-5))
    var (scale, shift): ([Double], [Double]) = ([], [])
    for t in 0..<outputChannels {
      let (gamma, beta) = (Double(vectors[0][t]), Double(vectors[1][t]))
      let (mean, variance) = (Double(vectors[2][t]), Double(vectors[3][t]))
      let factor = gamma / (variance + epsilon).squareRoot()
      let bias = vectors.count > 4 ? Double(vectors[4][t]) : 0
      scale.append(factor)
      shift.append(beta + factor * (bias - mean))
    }
    guard (scale + shift).allSatisfy(\.isFinite) else { return nil }
    return BatchNormalization(node: next, scale: scale, shift: shift)
  }
}

extension Node {
  /// Whether the node is a BatchNormalization of a trained model, one number a channel each.
  fileprivate var isPlainBatchNormalization: Bool {
    opType == "BatchNormalization" && isStandard && inputs.count == 5
      && outputs.filter { !$0.isEmpty }.count == 1 && int("training_mode", default: 0) == 0
      && int("is_test", default: 1) == 1 && int("spatial", default: 1) == 1
  }
}
