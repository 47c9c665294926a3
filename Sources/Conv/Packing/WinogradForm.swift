import Tensors

/// A form F(m x m, r x r) of Winograd's minimal filtering: m x m outputs from (m + r - 1)^2 multiplies a channel; or, for a
/// kernel along one axis, F(m x 1, r x 1) or F(1 x m, 1 x r): m outputs from m + r - 1.
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
  /// The axes that the kernel lies along.
  enum Axes: Hashable, Sendable {
    /// Both: F(m x m, r x r).
    case both
    /// Down the rows: F(m x 1, r x 1).
    case down
    /// Along a row: F(1 x m, 1 x r).
    case across
  }

  /// The place of the form in the kernels' tables.
  let index: Int
  let axes: Axes
  /// The side m of a tile of outputs.
  let tile: Int
  /// The side r of the kernel.
  let kernel: Int

  /// The forms that there are, in the order of the kernels' tables.
  static let all: [WinogradForm] = {
    let sides: [(Axes, Int, Int)] = [
      (.both, 2, 3), (.both, 4, 3), (.both, 5, 3), (.both, 2, 5), (.down, 4, 3), (.across, 4, 3),
      (.down, 6, 3), (.across, 6, 3), (.down, 4, 5), (.across, 4, 5),
      (.both, 5, 2),
    ]
    return sides.enumerated().map { index, sides in
      WinogradForm(index: index, axes: sides.0, tile: sides.1, kernel: sides.2)
    }
  }()

  /// The finite points, by their number.
  private var finitePoints: [Double] {
    let root = Double(2).squareRoot()
    return switch side {
    case 4: [0, 1, -1]
    case 6: [0, root / 2, -root / 2, root, -root]
    case 7: [0.4, -0.4, 0.8, -0.8, 2, -2]
    default: [0, 0.5, -0.5, 1, -1, 2, -2]
    }
  }

  /// The rows of G, one for each point.
  var filter: [[Double]] {
    let points = finitePoints
    let finite = points.indices.map { i in
      let scale = points.indices.reduce(1) { $1 == i ? $0 : $0 * (points[i] - points[$1]) }
      return powers(of: points[i], count: kernel).map { $0 / scale }
    }
    return finite + [[Double](repeating: 0, count: kernel - 1) + [1]]
  }

  /// The largest row sum of |A^T| (|G| 1 . |B^T| 1), squared for two axes: how much larger than the data the transformed
  /// numbers can be that add up to a result.
  var growth: Double {
    let points = finitePoints
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
    return axes == .both ? largest * largest : largest
  }

  /// The side n of a tile of inputs, and of points.
  var side: Int { tile + kernel - 1 }

  /// A length along each axis, 1 across that of the kernel.
  private func extents(_ length: Int) -> (height: Int, width: Int) {
    (axes == .across ? 1 : length, axes == .down ? 1 : length)
  }

  /// The outputs of a tile along each axis.
  var tiles: (height: Int, width: Int) { extents(tile) }
  /// The inputs of a tile along each axis.
  var sides: (height: Int, width: Int) { extents(side) }
  /// The kernel along each axis.
  var kernels: (height: Int, width: Int) { extents(kernel) }

  /// `F(m x m, r x r)`
  var name: String {
    "F(\(tiles.height)x\(tiles.width), \(kernels.height)x\(kernels.width))"
  }

  /// `G g G^T` for every pair of channels, or `G g` along one axis, packed as one matrix of columns for each point.
  ///
  /// **Shapes** `weights` [outputs, inputs, r or 1, r or 1].
  func packed(
    _ weights: Span<Float>, outputs: Int, inputs: Int, panel: Int, width: Int
  ) -> PackedWeights {
    let padded = roundUp(outputs, to: width)
    let (taps, pointCount) = (kernels.height * kernels.width, padded * inputs)
    let filters = (axes == .across ? [[1]] : filter, axes == .down ? [[1]] : filter)
    return PackedWeights(count: points * pointCount) { target in
      var half = [Double](repeating: 0, count: side * kernel)
      for t in 0..<outputs {
        // Where column t lies: see `PackedWeights.columns`.
        let first = t / (panel * width) * (panel * width)
        let panelWidth = min(panel * width, padded - first)
        for s in 0..<inputs {
          let at = first * inputs + s * panelWidth + t - first
          let g = (t * inputs + s) * taps
          transform(weights.extracting(g..<(g + taps)), filters, &half) { point, value in
            target[point * pointCount + at] = value
          }
        }
      }
    }
  }

  /// Hands `put` the elements of `down g across^T`, computed in Double and rounded once.
  private func transform(
    _ g: Span<Float>, _ filters: (down: [[Double]], across: [[Double]]), _ half: inout [Double],
    put: (Int, Float) -> Void
  ) {
    let (height, width) = kernels
    for y in filters.down.indices {
      for j in 0..<width {
        var sum = 0.0
        for i in 0..<height { sum += filters.down[y][i] * Double(g[i * width + j]) }
        half[y * width + j] = sum
      }
    }
    for y in filters.down.indices {
      for x in filters.across.indices {
        var sum = 0.0
        for j in 0..<width { sum += half[y * width + j] * filters.across[x][j] }
        put(y * filters.across.count + x, Float(sum))
      }
    }
  }
}

/// The tiles that cover some rows of a stage's output, and the matrices that they make: for each point the tiles in order,
/// a row of channels each.
///
/// A kernel whose taps are d apart is an ordinary one on every d-th row and column: the outputs fall apart into d x d phases,
/// each with tiles of its own, whose pixels are d apart. A block is the stretch of outputs that a tile of every phase fills.
struct TileGrid {
  /// The phases along each axis.
  let phases: (height: Int, width: Int)
  /// The outputs along each axis of a block.
  let block: (height: Int, width: Int)
  /// The blocks along a row, and down.
  let across: Int
  let down: Int

  var count: Int { phases.height * phases.width * across * down }

  /// Hands `body` the tiles of a range line by line: those that follow one another along a row of blocks in one phase, with
  /// the first output of the line's first tile.
  func forEachLine(of range: Range<Int>, _ body: (_ top: Int, _ left: Int, _ tiles: Range<Int>) -> Void) {
    var first = range.lowerBound
    while first < range.upperBound {
      let (line, start) = first.quotientAndRemainder(dividingBy: across)
      let (row, left) = line.quotientAndRemainder(dividingBy: phases.width)
      let (down, top) = row.quotientAndRemainder(dividingBy: phases.height)
      let end = min(across, start + range.upperBound - first)
      body(down * block.height + top, left, start..<end)
      first += end - start
    }
  }

  /// Floats between the matrices of neighbouring points of so many tiles: one line more than they take, so that the points do
  /// not fight over the same sets of the cache.
  static func pointStride(tiles: Int, pitch: Int) -> Int { tiles * pitch + 16 }
}

extension WinogradForm {
  /// The tiles that cover `rows` rows of `columns` outputs, for taps `dilation` apart.
  func grid(rows: Int, columns: Int, dilation: (height: Int, width: Int)) -> TileGrid {
    // Across the kernel of a form along one axis there are no taps, and no phases.
    let phases = (
      height: kernels.height == 1 ? 1 : dilation.height, width: kernels.width == 1 ? 1 : dilation.width
    )
    let block = (height: tiles.height * phases.height, width: tiles.width * phases.width)
    return TileGrid(
      phases: phases, block: block, across: (columns + block.width - 1) / block.width,
      down: (rows + block.height - 1) / block.height)
  }

  /// The number of points.
  var points: Int { sides.height * sides.width }
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
