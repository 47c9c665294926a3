import LinearAlgebra
import Tensors

/// What factors make of one group of a layer's channels in front of the rectifier and behind it.
struct RectifiedGroup {
  let rectifier: Rectifier
  /// [T, n].
  let rows: Tensor<Float>
  /// What the response is multiplied with, and by channel what the factors, and then the layer, add.
  let gain: Float
  let shift: [Float]
  let offset: [Float]

  init(_ fit: RectifiedFit, _ factors: LayerFactors, _ group: Int) {
    rectifier = fit.rectifier
    let kernel = factors.kernels[group].reconstructed()
    let outputs = kernel.shape[0]
    rows = kernel.reshaped([outputs, kernel.count / outputs])
    let channels = group * outputs..<(group + 1) * outputs
    gain = Float(fit.reading.gain)
    offset = fit.reading.offset[channels].map { Float($0) }
    shift = factors.biasShift.isEmpty ? offset.map { _ in 0 } : factors.biasShift[channels].map { Float($0) }
  }

  /// The responses behind the rectifier: as they should be and as they are, [k, T].
  func responses(_ block: ResponseRows.Block) -> (wanted: Tensor<Float>, made: Tensor<Float>) {
    (
      map(block.responses) { response, channel, _ in rectifier(output(response, channel)) },
      map(made(block)) { response, channel, _ in rectifier(output(response + shift[channel], channel)) }
    )
  }

  /// The responses that are aimed at next, [k, T].
  func aims(_ block: ResponseRows.Block, relaxation: Float) -> Tensor<Float> {
    block.responses.withSpan { wanted in
      map(made(block)) { response, channel, place in
        let now = output(response + shift[channel], channel)
        let value = rectifier(output(wanted[place], channel))
        let aim = now + relaxation * (rectifier.argument(for: value, near: now) - now)
        return (aim - offset[channel]) / gain
      }
    }
  }

  /// What the kernel makes of patches, [k, T].
  private func made(_ block: ResponseRows.Block) -> Tensor<Float> {
    matrixProduct(block.patches, rows, transposeB: true)
  }

  /// What the layer gives out for a response, in front of the rectifier.
  private func output(_ response: Float, _ channel: Int) -> Float { gain * response + offset[channel] }

  /// `transform` takes an element, its channel and its place.
  private func map(_ rows: Tensor<Float>, _ transform: (Float, Int, Int) -> Float) -> Tensor<Float> {
    let outputs = offset.count
    return Tensor(shape: rows.shape) { mapped in
      rows.withSpan { values in
        for place in values.indices { mapped[place] = transform(values[place], place % outputs, place) }
      }
    }
  }
}
