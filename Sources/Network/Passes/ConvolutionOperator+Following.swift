import Conv
import ModelGraph
import Tensors

extension ConvolutionOperator {
  /// The same with an activation behind it; nil where there is one already.
  func followed(by activation: Activation) -> ConvolutionOperator? {
    changingLast { layer in
      guard layer.activation == .none else { return false }
      layer.activation = activation
      return true
    }
  }

  /// The same with a constant for each output channel added, subtracted, multiplied or divided by; nil where there is an
  /// activation or an addition between.
  func combined(_ opType: String, _ numbers: [Float], isFirst: Bool) -> ConvolutionOperator? {
    if let affine = layers[layers.count - 1].activation.followed(opType, by: numbers) {
      return changingLast { layer in
        layer.activation = affine
        return true
      }
    }
    if opType == "PRelu", isFirst, !addsResidual {
      return followed(by: .prelu(slopes: numbers.map(Double.init)))
    }
    return ChannelAffine(opType, numbers, isFirst: isFirst).flatMap { combined($0) }
  }

  /// The same with a scale and a shift of each output channel; nil where there is an activation or an addition between.
  func combined(_ affine: ChannelAffine) -> ConvolutionOperator? {
    guard !addsResidual else { return nil }
    return changingLast { layer in
      guard layer.activation == .none, affine.fits(layer.weights.shape[0]) else { return false }
      layer.apply(affine)
      return true
    }
  }

  /// The same with the last input added; nil where there is an activation or another addition already.
  func adding() -> ConvolutionOperator? {
    guard !addsResidual, layers[layers.count - 1].activation == .none else { return nil }
    return ConvolutionOperator(layers: layers, addsResidual: true, options: options)
  }

  /// Both as one chain of bands; nil where one of them would lose by it.
  ///
  /// Tiles of Winograd's that are several rows high need whole rows of the map that they read, so that only the last layer
  /// but a pointwise one may have such.
  func chained(with other: ConvolutionOperator) -> ConvolutionOperator? {
    let all = layers + other.layers
    let order = all[0].weights.shape.order
    guard !addsResidual, all.count <= 4, order == 3 || order == 4, all.allSatisfy({ $0.runsInBands }) else {
      return nil
    }
    let core = all[all.count - 1].isPointwise ? all.count - 2 : all.count - 1
    guard all.indices.allSatisfy({ $0 == core || !all[$0].gainsByWinograd }) else { return nil }
    return ConvolutionOperator(layers: all, addsResidual: other.addsResidual, options: options)
  }

  private func changingLast(_ change: (inout ConvolutionLayer) -> Bool) -> ConvolutionOperator? {
    var changed = layers
    guard change(&changed[changed.count - 1]) else { return nil }
    return ConvolutionOperator(layers: changed, addsResidual: addsResidual, options: options)
  }
}

extension Activation {
  /// Whether it never falls.
  var isRising: Bool {
    switch self {
    case .relu, .clip: true
    default: false
    }
  }

  /// A hard swish, scaled or not, with one number for all channels multiplied by or added; nil for others.
  fileprivate func followed(_ opType: String, by numbers: [Float]) -> Activation? {
    guard let number = numbers.first.map({ Double($0) }), numbers.allSatisfy({ Double($0) == number }) else {
      return nil
    }
    let known: (scale: Double, shift: Double)
    switch self {
    case .hardSwish: known = (1, 0)
    case .scaledHardSwish(let scale, let shift): known = (scale, shift)
    default: return nil
    }
    switch opType {
    case "Mul": return .scaledHardSwish(scale: number * known.scale, shift: number * known.shift)
    case "Add": return .scaledHardSwish(scale: known.scale, shift: known.shift + number)
    default: return nil
    }
  }
}

extension ConvolutionLayer {
  /// Scales and shifts each output channel.
  fileprivate mutating func apply(_ affine: ChannelAffine) {
    if let factors = affine.scale {
      let row = weights.count / weights.shape[0]
      var scaled = weights
      scaled.withMutableSlice { elements in
        for i in 0..<elements.count { elements[i] *= factors[i / row] }
      }
      weights = scaled
    }
    bias = affine.bias(bias?.elements).map { Tensor(shape: [$0.count], elements: $0) }
  }

  /// Whether each output reads the input of the same place only.
  var isPointwise: Bool {
    window.kernel.allSatisfy { $0 == 1 } && window.stride.allSatisfy { $0 == 1 } && groups == 1
      && extraPads == nil
      && window.pads.allSatisfy { $0 == 0 }
  }

  /// Whether the kernels of bands take it: one group, or a channel a group.
  fileprivate var runsInBands: Bool { groups == 1 || (weights.shape[1] == 1 && weights.shape[0] == groups) }

  /// Whether Winograd's forms make it cheaper.
  fileprivate var gainsByWinograd: Bool {
    groups == 1 && window.stride.allSatisfy { $0 == 1 } && window.dilation.allSatisfy { $0 == 1 }
      && window.kernel.contains { $0 == 3 || $0 == 5 } && window.kernel.allSatisfy { [1, 3, 5].contains($0) }
      && weights.shape[1] >= 8
  }
}
