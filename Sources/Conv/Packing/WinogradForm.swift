import Tensors

/// A form F(m x m, r x r) of Winograd's minimal filtering: m x m outputs from (m + r - 1)^2 multiplies a channel.
///
///     Y = A^T [ (G g G^T) . (B^T d B) ] A
///
/// B and A live in the kernels; G, which is only needed when a plan is made, here. With n = m + r - 1, the points
/// a_1 ... a_{n-1} and infinity:
///
///     A^T[j, i] = a_i^j,   G[i, j] = a_i^j / product over k != i of (a_i - a_k),
///     B^T[i, :] = the coefficients of  product over k != i of (x - a_k)
///
/// and for infinity a one at the end of A's and G's row and all the factors in B's.
///
/// **Accuracy** see `ConvolutionPlan.errorBound(inputsUpTo:)`.
///
/// **Source** Lavin and Gray, arXiv 1509.09308, sections 4.1 to 4.3; Barabasz et al., arXiv 1803.10986, section 3.
struct WinogradForm: Hashable, Sendable {
  /// The place of the form in the kernels' tables.
  let index: Int
  /// The side m of a tile of outputs.
  let tile: Int
  /// The side r of the kernel.
  let kernel: Int

  /// The forms that there are, in the order of the kernels' tables.
  static let all = [
    WinogradForm(index: 0, tile: 2, kernel: 3), WinogradForm(index: 1, tile: 4, kernel: 3),
    WinogradForm(index: 2, tile: 5, kernel: 3), WinogradForm(index: 3, tile: 2, kernel: 5),
  ]

  /// The finite points of each form.
  private static let points: [[Double]] = {
    let root = Double(2).squareRoot()
    let roots = [0, root / 2, -root / 2, root, -root]
    return [[0, 1, -1], roots, [0.4, -0.4, 0.8, -0.8, 2, -2], roots]
  }()

  /// The rows of G, one for each point.
  var filter: [[Double]] {
    let points = Self.points[index]
    let finite = points.indices.map { i in
      let scale = points.indices.reduce(1) { $1 == i ? $0 : $0 * (points[i] - points[$1]) }
      return powers(of: points[i], count: kernel).map { $0 / scale }
    }
    return finite + [[Double](repeating: 0, count: kernel - 1) + [1]]
  }

  /// The largest row sum of |A^T| (|G| 1 . |B^T| 1), squared for the two axes: how much larger than the data the
  /// transformed numbers can be that add up to a result.
  var growth: Double {
    let points = Self.points[index]
    let sizes = zip(points.indices, filter).map { i, row in
      absoluteSum(row)
        * absoluteSum(coefficients(ofRoots: points.indices.filter { $0 != i }.map { points[$0] }))
    }
    let sums = (0..<tile).map { j in
      zip(points, sizes).reduce(j == tile - 1 ? absoluteSum(coefficients(ofRoots: points)) : 0) {
        $0 + abs(powers(of: $1.0, count: tile)[j]) * $1.1
      }
    }
    let largest = sums.max() ?? 0
    return largest * largest
  }

  /// The side n of a tile of inputs, and of points.
  var side: Int { tile + kernel - 1 }

  /// `F(m x m, r x r)`
  var name: String { "F(\(tile)x\(tile), \(kernel)x\(kernel))" }

  /// `G g G^T` for every pair of channels, packed as one matrix of columns for each of the n x n points.
  ///
  /// **Shapes** `weights` [outputs, inputs, r, r].
  func packed(
    _ weights: Span<Float>, outputs: Int, inputs: Int, panel: Int, width: Int
  ) -> PackedWeights {
    let padded = roundUp(outputs, to: width)
    let (taps, pointCount) = (kernel * kernel, padded * inputs)
    let filter = filter
    return PackedWeights(count: side * side * pointCount) { target in
      var half = [Double](repeating: 0, count: side * kernel)
      for t in 0..<outputs {
        // Where column t lies: see `PackedWeights.columns`.
        let first = t / (panel * width) * (panel * width)
        let panelWidth = min(panel * width, padded - first)
        for s in 0..<inputs {
          let at = first * inputs + s * panelWidth + t - first
          let g = (t * inputs + s) * taps
          transform(weights.extracting(g..<(g + taps)), filter, &half) { point, value in
            target[point * pointCount + at] = value
          }
        }
      }
    }
  }

  /// Hands `put` the elements of `G g G^T`, computed in Double and rounded once.
  private func transform(
    _ g: Span<Float>, _ filter: [[Double]], _ half: inout [Double], put: (Int, Float) -> Void
  ) {
    for y in 0..<side {
      for j in 0..<kernel {
        var sum = 0.0
        for i in 0..<kernel { sum += filter[y][i] * Double(g[i * kernel + j]) }
        half[y * kernel + j] = sum
      }
    }
    for y in 0..<side {
      for x in 0..<side {
        var sum = 0.0
        for j in 0..<kernel { sum += half[y * kernel + j] * filter[x][j] }
        put(y * side + x, Float(sum))
      }
    }
  }
}

/// The tiles that cover some rows of a stage's output, and the matrices that they make: for each point the tiles in order,
/// a row of channels each.
struct TileGrid {
  let across: Int
  let down: Int

  var count: Int { across * down }

  /// Floats between the matrices of neighbouring points: one line more than the tiles, so that the points do not fight
  /// over the same sets of the cache.
  func pointStride(pitch: Int) -> Int { count * pitch + 16 }
}

extension WinogradForm {
  /// The tiles that cover `rows` rows of `columns` outputs.
  func grid(rows: Int, columns: Int) -> TileGrid {
    TileGrid(across: (columns + tile - 1) / tile, down: (rows + tile - 1) / tile)
  }

  /// The number of points.
  var points: Int { side * side }
}

private func powers(of a: Double, count: Int) -> [Double] {
  (0..<count).reduce(into: []) { powers, _ in powers.append((powers.last ?? 1) * (powers.isEmpty ? 1 : a)) }
}

/// The coefficients of the product of (x - root), the constant first.
private func coefficients(ofRoots roots: [Double]) -> [Double] {
  roots.reduce([1]) { polynomial, root in
    zip([0] + polynomial, polynomial + [0]).map { $0 - root * $1 }
  }
}

private func absoluteSum(_ values: [Double]) -> Double { values.reduce(0) { $0 + abs($1) } }
