import LinearAlgebra
import Tensors

/// The channels of a tensor that lies as a layer's output does, position by position.
struct ChannelRows: Sendable {
  let groups: Int
  /// Of one group.
  let responses: Int
  private let channels: Int
  /// Whether the channels lie in front of the positions, as in images.
  private let isChannelFirst: Bool

  /// Rows that are summed up at once.
  private static var block: Int { 1024 }

  init(_ reading: LayerReading) {
    (groups, responses) = (reading.layer.groups, reading.responses)
    channels = responses * groups
    isChannelFirst = reading.layer.op.isConvolution || reading.layer.dataSide == 1
  }

  /// The positions of a tensor.
  func positions(of values: Tensor<Float>) -> Int { values.count / max(1, channels) }

  /// The sum of `r r'` over the rows r of a group's channels at some positions, the upper triangle by rows.
  ///
  /// **Shapes** `values` as the layer's output. **Complexity** T² multiplies a position, in blocks of 1024 of them.
  func gram(_ values: Tensor<Float>, at places: some RandomAccessCollection<Int>, group: Int) -> [Double] {
    let inner = isChannelFirst ? values.shape.extents.dropFirst(values.shape.order > 2 ? 2 : 1) : []
    let step = inner.reduce(1, *)
    var gram = Tensor<Double>(shape: [responses, responses])
    var rest = places[...]
    while !rest.isEmpty {
      let block = rest.prefix(Self.block)
      rest = rest.dropFirst(Self.block)
      let rows = Tensor<Double>(shape: [block.count, responses]) { rows in
        values.withSpan { values in
          for (row, place) in block.enumerated() {
            let base = place / step * channels * step + place % step + group * responses * step
            for t in 0..<responses { rows[row * responses + t] = Double(values[base + t * step]) }
          }
        }
      }
      GramSums.add(gramOf: rows, count: block.count, to: &gram, threads: 1)
    }
    return gram.upperTriangle
  }
}
