import Decompose
import LinearAlgebra
import Tensors

/// The sum of `g g'` over some gradients g of a network's outputs with respect to a layer's responses, group by group of its
/// channels.
struct LayerGradients: Sendable {
  private(set) var grams: [Tensor<Double>]
  private let channels: Int
  /// Whether the channels lie in front of the positions, as in images.
  private let isChannelFirst: Bool

  /// The positions of a gradient that are looked at: those of one image tell much the same.
  private static var positions: Int { 1024 }

  init(_ reading: LayerReading) {
    channels = reading.responses * reading.layer.groups
    isChannelFirst = reading.layer.op.isConvolution || reading.layer.dataSide == 1
    grams = [Tensor<Double>](
      repeating: Tensor(shape: [reading.responses, reading.responses]), count: reading.layer.groups)
  }

  /// Adds a gradient.
  ///
  /// **Shapes** as the layer's output. **Complexity** at most 1024 T² / groups multiplies.
  mutating func add(_ gradient: Tensor<Float>, seed: UInt64) {
    let inner = isChannelFirst ? gradient.shape.extents.dropFirst(gradient.shape.order > 2 ? 2 : 1) : []
    let step = inner.reduce(1, *)
    let all = gradient.count / max(1, channels)
    let places = SampledPositions.places(count: Self.positions, of: all, seed: seed)
    let (responses, channels) = (grams[0].shape[0], channels)
    for group in grams.indices {
      let rows = Tensor<Double>(shape: [places.count, responses]) { rows in
        gradient.withSpan { g in
          for (row, place) in places.enumerated() {
            let base = place / step * channels * step + place % step + group * responses * step
            for t in 0..<responses { rows[row * responses + t] = Double(g[base + t * step]) }
          }
        }
      }
      GramSums.add(gramOf: rows, count: places.count, to: &grams[group], threads: 1)
    }
  }

  /// Adds the sums of other gradients.
  mutating func add(_ other: LayerGradients) {
    for group in grams.indices { grams[group] = grams[group].adding(other.grams[group]) }
  }

  /// What errors of the responses count by these gradients; nil where all count alike.
  var metric: LayerMetric? {
    let metrics = grams.map { gram in
      var whole = gram
      GramSums.mirror(&whole)
      return ResponseMetric(gram: whole)
    }
    return metrics.contains { $0 != nil } ? LayerMetric(metrics) : nil
  }
}

extension Tensor where Element == Double {
  fileprivate func adding(_ other: Tensor) -> Tensor {
    Tensor(shape: shape) { sum in
      withSpan { a in
        other.withSpan { b in
          for place in a.indices { sum[place] = a[place] + b[place] }
        }
      }
    }
  }
}
