import TensorCore

/// A form F(m x m, 3 x 3) of Winograd's minimal filtering: m x m outputs from (m + 2) x (m + 2) multiplies a channel.
///
///     Y = A^T [ (G g G^T) . (B^T d B) ] A
///
/// B and A live in the kernels; G, which is only needed when a plan is made, here.
///
/// **Accuracy** see `ConvolutionPlan.errorBound(inputsUpTo:)`.
///
/// **Source** Lavin and Gray, arXiv 1509.09308, sections 4.1 to 4.3.
struct WinogradForm: Sendable {
  /// The side m of a tile of outputs.
  let tile: Int
  /// The rows of G, one for each point.
  let filter: [[Double]]

  /// The side n = m + 2 of a tile of inputs.
  var points: Int { tile + 2 }

  /// F(2, 3) on the points 0, 1, -1, infinity.
  static let two = WinogradForm(
    tile: 2, filter: [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])

  /// F(4, 3) on the points 0, +-1/sqrt(2), +-sqrt(2), infinity.
  static let four: WinogradForm = {
    // Row a: [1, a, a^2] / product over the other points b of (a - b).
    let root = Double(2).squareRoot()
    let rows = [root / 2, -root / 2, root, -root].map { a in
      let scale = a * a < 1 ? -1.5 : 6.0
      return [1 / scale, a / scale, a * a / scale]
    }
    return WinogradForm(tile: 4, filter: [[1, 0, 0]] + rows + [[0, 0, 1]])
  }()

  /// The forms by the side of their tiles.
  static let forms = [2: two, 4: four]

  /// The largest row sum of |A^T| (|G| 1 . |B^T| 1), squared for the two axes: how much larger than the data the
  /// transformed numbers can be that add up to a result.
  var growth: Double { tile == 2 ? 64 : 620 }

  /// `G g G^T` for every pair of channels, packed as one matrix of columns for each of the n x n points.
  ///
  /// **Shapes** `kernel` [outputs, inputs, 3, 3].
  func packed(
    _ kernel: Span<Float>, outputs: Int, inputs: Int, panel: Int, width: Int
  ) -> PackedWeights {
    let padded = roundUp(outputs, to: width)
    let pointCount = padded * inputs
    return PackedWeights(count: points * points * pointCount) { target in
      for t in 0..<outputs {
        // Where column t lies: see `PackedWeights.columns`.
        let first = t / (panel * width) * (panel * width)
        let panelWidth = min(panel * width, padded - first)
        for s in 0..<inputs {
          let at = first * inputs + s * panelWidth + t - first
          let g = (t * inputs + s) * 9
          transform(kernel.extracting(g..<(g + 9))) { point, value in target[point * pointCount + at] = value
          }
        }
      }
    }
  }

  /// Hands `put` the elements of `G g G^T`, computed in Double and rounded once.
  private func transform(_ g: Span<Float>, put: (Int, Float) -> Void) {
    for y in 0..<points {
      for x in 0..<points {
        var sum = 0.0
        for i in 0..<3 {
          for j in 0..<3 { sum += filter[y][i] * Double(g[i * 3 + j]) * filter[x][j] }
        }
        put(y * points + x, Float(sum))
      }
    }
  }
}
