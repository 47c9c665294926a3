import Conv
import Tensors

/// The gradient of a 3 x 3 kernel by Winograd's form F(4 x 4, 3 x 3) in reverse: a quarter of the multiplies.
///
/// Forward, a tile of outputs is `A^T [(G g G^T) . (B^T d B)] A`, the product in brackets summed over the input channels. So
///
///     dL/dg[t, s] = G^T [ sum over tiles of  (A dL/dY[t] A^T) . (B^T d[s] B) ] G
///
/// whose sum is, for each of the 36 points, one product of matrices over all tiles. The points are 0, 1/sqrt 2, -1/sqrt 2, sqrt 2,
/// -sqrt 2 and infinity, as forward.
///
/// **Accuracy** as forward's: some ten times the rounding of plain sums.
///
/// **Complexity** 36 T S multiplies a tile of 4 x 4 outputs, where plain products take 144; matrices of about `floats` elements.
///
/// **Source** Lavin and Gray, arXiv 1509.09308, section 4, which has the same form for the gradient as F(3 x 3, 4 x 4).
struct WinogradProducts {
  private let inputs: Int
  private let outputs: Int
  /// Heights and widths, and the padding above and on the left.
  private let source: (height: Int, width: Int)
  private let target: (height: Int, width: Int)
  private let before: (top: Int, left: Int)
  /// Tiles down and across.
  private let grid: (down: Int, across: Int)

  /// Channels that are transformed together.
  static var lanes: Int { 8 }
  /// The sides of a tile of inputs and of one of outputs.
  static var side: Int { 6 }
  static var tile: Int { 4 }
  static var points: Int { side * side }
  /// The most floats that the matrices of some tiles have, and those of some outputs' products: megabytes, as a last cache holds.
  private static var floats: (tiles: Int, products: Int) { (1 << 20, 1 << 19) }

  /// Nil where there are other kernels, steps or groups, or few channels, for which transforming takes longer than it saves.
  init?(_ geometry: ConvolutionGeometry, axes: [WindowAxis]) {
    (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
    guard axes.count == 2, axes.allSatisfy({ $0.kernel == 3 && $0.stride == 1 && $0.dilation == 1 }),
      geometry.groups == 1, min(inputs, outputs) >= 16
    else { return nil }
    (source, before) = ((axes[0].input, axes[1].input), (axes[0].before, axes[1].before))
    target = (axes[0].outputs, axes[1].outputs)
    grid = ((target.height + Self.tile - 1) / Self.tile, (target.width + Self.tile - 1) / Self.tile)
  }

  /// The gradient from all images.
  ///
  /// **Shapes** `x` [N, S, H, W], `gradient` [N, T, H', W']; the result [T, S, 3, 3].
  func kernelGradient(_ x: Tensor<Float>, _ gradient: Tensor<Float>) -> Tensor<Float> {
    let tiles = x.shape[0] * grid.down * grid.across
    let most = max(32, Self.floats.tiles / (Self.points * (inputs + outputs)))
    let parts = (tiles + most - 1) / most
    var result = Tensor<Float>(shape: [outputs, inputs, 3, 3], repeating: 0)
    for part in 0..<parts {
      let some = part * tiles / parts..<(part + 1) * tiles / parts
      let left = transformed(gradient, channels: outputs, some, isGradient: true)
      let right = transformed(x, channels: inputs, some, isGradient: false)
      let mostRows = max(16, Self.floats.products / (Self.points * inputs))
      let blocks = (outputs + mostRows - 1) / mostRows
      for block in 0..<blocks {
        let rows = block * outputs / blocks..<(block + 1) * outputs / blocks
        addBack(products(left, right, tiles: some.count, rows: rows), to: &result, rows: rows)
      }
    }
    return result
  }

  /// For each point the products of some output channels with all input channels: 36 matrices `[rows, S]`.
  private func products(
    _ left: Tensor<Float>, _ right: Tensor<Float>, tiles: Int, rows: Range<Int>
  ) -> Tensor<Float> {
    let step = Self.step(rows.count * inputs)
    let product = BatchedProduct(
      batch: [Self.points], rows: rows.count, depth: tiles, columns: inputs,
      left: MatrixLayout(
        stride: outputs, isTransposed: true, batchStrides: [Self.step(tiles * outputs)]),
      right: MatrixLayout(batchStrides: [Self.step(tiles * inputs)]),
      output: MatrixLayout(batchStrides: [step]))
    var workspace = product.makeWorkspace()
    return Tensor(shape: [Self.points * step]) { result in
      left.withSpan { left in
        right.withSpan { right in
          product.run(
            left.extracting(rows.lowerBound..<left.count), right, into: &result, workspace: &workspace)
        }
      }
    }
  }

  /// The transform of some tiles of maps, channel beside channel: 36 matrices `[tiles, C]`.
  private func transformed(
    _ maps: Tensor<Float>, channels: Int, _ tiles: Range<Int>, isGradient: Bool
  ) -> Tensor<Float> {
    let step = Self.step(tiles.count * channels)
    var squares = [Lanes](repeating: Lanes(), count: 2 * Self.points)
    return Tensor(shape: [Self.points * step]) { result in
      maps.withSpan { maps in
        var squares = squares.mutableSpan
        for (place, tile) in tiles.enumerated() {
          let (line, column) = tile.quotientAndRemainder(dividingBy: grid.across)
          let (image, row) = line.quotientAndRemainder(dividingBy: grid.down)
          for group in stride(from: 0, to: channels, by: Self.lanes) {
            // The last channels share a vector with some before them, which are made again.
            let first = min(group, channels - Self.lanes)
            let (plane, to) = (image * channels + first, place * channels + first)
            if isGradient {
              Self.gather(
                maps, into: &squares, plane: plane, target, top: row * Self.tile, left: column * Self.tile,
                length: Self.tile)
              Self.spread(&squares, into: &result, at: to, step: step)
            } else {
              Self.gather(
                maps, into: &squares, plane: plane, source, top: row * Self.tile - before.top,
                left: column * Self.tile - before.left, length: Self.side)
              Self.transform(&squares, into: &result, at: to, step: step)
            }
          }
        }
      }
    }
  }

  /// Adds `G^T u G` of the products of some outputs.
  private func addBack(_ products: Tensor<Float>, to result: inout Tensor<Float>, rows: Range<Int>) {
    let step = Self.step(rows.count * inputs)
    var squares = [Lanes](repeating: Lanes(), count: 2 * Self.points)
    products.withSpan { products in
      result.withMutableSpan { result in
        var squares = squares.mutableSpan
        for t in rows {
          for group in stride(from: 0, to: inputs, by: Self.lanes) {
            let first = min(group, inputs - Self.lanes)
            Self.addBack(
              products, at: (t - rows.lowerBound) * inputs + first, step: step, &squares, to: &result,
              at: (t * inputs + first) * 9, lanes: group - first..<Self.lanes)
          }
        }
      }
    }
  }

  /// A square of some channels' maps, pixel by pixel with the channels side by side; zeros outside.
  @inline(__always)
  private static func gather(
    _ maps: Span<Float>, into squares: inout MutableSpan<Lanes>, plane: Int,
    _ extents: (height: Int, width: Int),
    top: Int, left: Int, length: Int
  ) {
    let size = extents.height * extents.width
    precondition(
      plane >= 0 && (plane + lanes) * size <= maps.count && squares.count == 2 * points,
      "channels outside of the maps")
    let isInside = top >= 0 && left >= 0 && top + length <= extents.height && left + length <= extents.width
    for i in 0..<length {
      let y = top &+ i
      let from = plane &* size &+ y &* extents.width &+ left
      for j in 0..<length {
        let isThere =
          isInside || (y >= 0 && y < extents.height && left &+ j >= 0 && left &+ j < extents.width)
        squares[unchecked: i &* length &+ j] = isThere ? column(maps, at: from &+ j, step: size) : Lanes()
      }
    }
  }

  /// One pixel of some channels.
  @inline(__always)
  private static func column(_ x: Span<Float>, at place: Int, step: Int) -> Lanes {
    Lanes(
      x[unchecked: place], x[unchecked: place &+ step], x[unchecked: place &+ 2 &* step],
      x[unchecked: place &+ 3 &* step], x[unchecked: place &+ 4 &* step], x[unchecked: place &+ 5 &* step],
      x[unchecked: place &+ 6 &* step], x[unchecked: place &+ 7 &* step])
  }

  /// Floats between the matrices of neighbouring points: a line more than they have, so that the points do not fight over the
  /// same sets of a cache.
  private static func step(_ count: Int) -> Int { count + 16 }
}
