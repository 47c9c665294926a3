import Tensors

/// The patches and responses themselves that moments are sums over, for fits that ask more of them than sums tell.
///
/// **Memory** in Float: four bytes for each number of each patch and response.
struct ResponseRows: Sendable {
  /// Some positions: their patches [k, n] and responses [k, T].
  struct Block: Sendable {
    let patches: Tensor<Float>
    let responses: Tensor<Float>
  }

  private(set) var blocks: [Block] = []

  /// Adds the first `count` rows of two matrices.
  mutating func add(patches: Tensor<Double>, responses: Tensor<Double>, count: Int) {
    guard count > 0 else { return }
    blocks.append(
      Block(patches: Self.first(count, of: patches), responses: Self.first(count, of: responses)))
  }

  private static func first(_ count: Int, of rows: Tensor<Double>) -> Tensor<Float> {
    let columns = rows.shape[1]
    return Tensor(shape: [count, columns]) { kept in
      rows.withSpan { rows in
        for i in 0..<count * columns { kept[i] = Float(rows[i]) }
      }
    }
  }
}

/// The rows of a layer, group by group of its channels.
struct LayerRows: Sendable {
  var groups: [(fitted: ResponseRows, heldOut: ResponseRows)]
}
