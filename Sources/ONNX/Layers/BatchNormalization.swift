import Tensors

/// A BatchNormalization straight behind a convolution, as the scale and shift that it is for a trained model.
///
///     y = scale x + shift,   scale = gamma / sqrt(variance + epsilon),   shift = beta - scale mean
///
/// **Source** the ONNX operator's definition; computed in Double.
struct BatchNormalization: Sendable {
  /// The place in `graph.node`.
  let node: Int
  /// One number an output channel.
  let scale: [Double]
  /// One number an output channel, the convolution's own bias included.
  let shift: [Double]

  /// Each output channel of a kernel `[T, ...]` times its scale.
  func scaled(_ kernel: Tensor<Float>) -> Tensor<Float> {
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

extension GraphProto {
  /// The BatchNormalization that alone uses the output of the node at `place`, if it can be folded into that node.
  func foldableBatchNormalization(
    behind place: Int, outputChannels: Int, _ index: GraphIndex
  ) -> BatchNormalization? {
    let convolution = node[place]
    guard let value = convolution.output.first, index.isUsedOnlyOnce(value),
      let next = index.consumers[value]?.first
    else { return nil }
    let normalization = node[next]
    guard normalization.opType == "BatchNormalization", normalization.isStandard,
      normalization.input.count == 5, normalization.input[0] == value,
      normalization.output.filter({ !$0.isEmpty }).count == 1,
      normalization.int("training_mode", default: 0) == 0, normalization.int("is_test", default: 1) == 1,
      normalization.int("spatial", default: 1) == 1
    else { return nil }
    let parameters = normalization.input.dropFirst().map { constant($0, index)?.floatTensor }
    guard let gamma = parameters[0], let beta = parameters[1], let mean = parameters[2],
      let variance = parameters[3], parameters.allSatisfy({ $0?.shape == [outputChannels] })
    else { return nil }
    var bias = [Float](repeating: 0, count: outputChannels)
    if let name = convolution.input(2) {
      guard let tensor = constant(name, index)?.floatTensor, tensor.count == outputChannels else {
        return nil
      }
      bias = tensor.elements
    }
    let epsilon = Double(normalization.float("epsilon", default: 1e-5))
    var (scale, shift): ([Double], [Double]) = ([], [])
    for t in 0..<outputChannels {
      let factor = Double(gamma[t]) / (Double(variance[t]) + epsilon).squareRoot()
      scale.append(factor)
      shift.append(Double(beta[t]) + factor * (Double(bias[t]) - Double(mean[t])))
    }
    guard (scale + shift).allSatisfy(\.isFinite) else { return nil }
    return BatchNormalization(node: next, scale: scale, shift: shift)
  }
}
