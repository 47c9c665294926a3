internal import CKernels
package import Tensors

/// The gradient of a 3 x 3 kernel by Winograd's form F(4 x 4, 3 x 3) in reverse: a quarter of the multiplies.
///
/// Forward, a tile of outputs is `A^T [(G g G^T) . (B^T d B)] A`, the product in brackets summed over the input channels. So
///
///     dL/dg[t, s] = G^T [ sum over tiles of  (A dL/dY[t] A^T) . (B^T d[s] B) ] G
///
/// whose sum is, for each of the 36 points, one product of matrices over all tiles. The points are forward's.
///
/// **Accuracy** as forward's: some ten times the rounding of plain sums. One thread: no bit depends on how many others there are.
///
/// **Complexity** 36 T S multiplies a tile of 4 x 4 outputs, where plain products take 144; a workspace of about 5 MB.
///
/// **Source** Lavin and Gray, arXiv 1509.09308, section 4, which has the same form for the gradient as F(3 x 3, 4 x 4).
package struct WinogradKernelGradient: Sendable {
  private let geometry: ConvolutionGeometry
  private let table: KernelTable
  private let machine: Machine
  private let grid: TileGrid
  private let inputs: SquareMaps
  private let outputs: SquareMaps

  private static var points: Int { 36 }
  /// The most floats that the matrices of some tiles have, as a last cache holds, and those of some products, as half of a second
  /// one does: they go back from there to taps.
  private static var floats: (tiles: Int, products: Int) { (1 << 20, 1 << 17) }

  /// Nil where there are other kernels, steps or groups, or few channels, for which transforming takes longer than it saves.
  package init?(_ geometry: ConvolutionGeometry, options: MatrixProductOptions = MatrixProductOptions()) {
    guard geometry.kernel == [3, 3], geometry.stride == [1, 1], geometry.dilation == [1, 1],
      geometry.groups == 1, min(geometry.inputChannels, geometry.outputChannels) >= 16
    else { return nil }
    self.geometry = geometry
    table = options.table
    let machine = Machine(table.pointer.pointee)
    self.machine = machine
    let (source, target) = (geometry.inputExtents, geometry.outputExtents)
    let grid = TileGrid(
      phases: (1, 1), block: (4, 4), across: (target[1] + 3) / 4, down: (target[0] + 3) / 4)
    self.grid = grid
    func maps(_ channels: Int, _ extents: [Int], _ before: [Int], side: Int) -> SquareMaps {
      SquareMaps(
        channels: channels, pitch: roundUp(channels, to: machine.width), height: extents[0],
        width: extents[1], before: (before[0], before[1]), side: side, across: 4 * grid.across + side - 4)
    }
    inputs = maps(geometry.inputChannels, source, geometry.paddingBefore, side: 6)
    outputs = maps(geometry.outputChannels, target, [0, 0], side: 4)
  }

  /// The gradient from all images.
  ///
  /// **Shapes** `x` [N, S, H, W], `gradient` [N, T, H', W']; the result [T, S, 3, 3].
  ///
  /// **Traps** for other shapes.
  package func run(_ x: Tensor<Float>, _ gradient: Tensor<Float>) -> Tensor<Float> {
    precondition(
      x.shape == geometry.inputShape && gradient.shape == geometry.outputShape,
      "maps of \(x.shape) and gradients of \(gradient.shape) for \(geometry)")
    let lines = geometry.batch * grid.down
    let most = max(32, Self.floats.tiles / (Self.points * (inputs.pitch + outputs.pitch)))
    let parts = (lines * grid.across + most - 1) / most
    return Tensor(shape: geometry.kernelShape) { result in
      x.withSpan { x in
        gradient.withSpan { gradient in
          x.withUnsafeBufferPointer { x in
            gradient.withUnsafeBufferPointer { gradient in
              result.withUnsafeMutableBufferPointer { result in
                guard let x = x.baseAddress, let g = gradient.baseAddress, let z = result.baseAddress
                else { return }
                let run = Run(self, parts: min(parts, lines))
                for part in 0..<run.parts {
                  run.add(part * lines / run.parts..<(part + 1) * lines / run.parts, x, g, to: z)
                }
              }
            }
          }
        }
      }
    }
  }
}

extension WinogradKernelGradient {
  /// The memory of a run, and what goes on in it.
  private struct Run: ~Copyable {
    let own: WinogradKernelGradient
    /// The parts that lines of tiles go in.
    let parts: Int
    private let workspace: Workspace
    /// A line of squares, channel-last, with the padding around them.
    private let squares: WorkspaceRegion<Float>
    /// For each point a matrix [tiles, channels].
    private let left: WorkspaceRegion<Float>
    private let right: WorkspaceRegion<Float>
    private let panel: WorkspaceRegion<Float>
    private let products: WorkspaceRegion<Float>
    private let none = PackedEpilogue(bias: nil, activation: .none)

    init(_ own: WinogradKernelGradient, parts: Int) {
      (self.own, self.parts) = (own, parts)
      let (inputs, outputs, points) = (own.inputs, own.outputs, WinogradKernelGradient.points)
      let lines = (own.geometry.batch * own.grid.down + parts - 1) / parts
      let tiles = lines * own.grid.across
      let product = own.product(tiles: tiles)
      var layout = WorkspaceLayout()
      squares = layout.reserve(
        Float.self, count: max(inputs.lineCount, outputs.lineCount))
      left = layout.reserve(
        Float.self, count: points * TileGrid.pointStride(tiles: tiles, pitch: outputs.pitch))
      right = layout.reserve(
        Float.self, count: points * TileGrid.pointStride(tiles: tiles, pitch: inputs.pitch))
      panel = layout.reserve(Float.self, count: tiles * product.panelWidth)
      products = layout.reserve(
        Float.self,
        count: points * TileGrid.pointStride(tiles: own.rowsTogether(product), pitch: product.panelWidth))
      workspace = Workspace(layout)
    }

    /// Adds what some lines of tiles make to the gradient; the first ones begin it.
    func add(
      _ lines: Range<Int>, _ x: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
      to result: UnsafeMutablePointer<Float>
    ) {
      transform(own.inputs, x, lines, to: workspace.pointer(to: right), own.inputTransform)
      transform(
        own.outputs, gradient, lines, to: workspace.pointer(to: left),
        own.table.pointer.pointee.winograd_gradient)
      let tiles = lines.count * own.grid.across
      let whole = own.product(tiles: tiles)
      let rows = own.rowsTogether(whole)
      for first in stride(from: 0, to: own.inputs.channels, by: whole.panelWidth) {
        let columns = first..<min(own.inputs.channels, first + whole.panelWidth)
        let product = PackedProduct(
          depth: tiles, columns: columns.count, panel: whole.panel, machine: own.machine)
        for row in stride(from: 0, to: own.outputs.channels, by: rows) {
          let rows = row..<min(own.outputs.channels, row + rows)
          multiply(product, rows: rows, columns: columns)
          back(
            rows: rows, columns: columns, pitch: product.panelWidth, to: result, adds: lines.lowerBound > 0)
        }
      }
    }

    /// The matrices of some lines of squares.
    private func transform(
      _ maps: SquareMaps, _ source: UnsafePointer<Float>, _ lines: Range<Int>,
      to target: UnsafeMutablePointer<Float>, _ kernel: (UnsafePointer<lowrank_winograd_input>) -> Void
    ) {
      let squares = workspace.pointer(to: squares)
      let rows = (0..<maps.side).map { Optional(UnsafePointer(squares + $0 * maps.across * maps.pitch)) }
      rows.withUnsafeBufferPointer { rows in
        var transform = lowrank_winograd_input()
        transform.rows = rows.baseAddress
        (transform.tiles, transform.vectors) = (own.grid.across, maps.pitch / own.machine.width)
        (transform.pixel, transform.v_tile) = (maps.pitch, maps.pitch)
        transform.v_point = TileGrid.pointStride(tiles: lines.count * own.grid.across, pitch: maps.pitch)
        for (place, line) in lines.enumerated() {
          let (image, row) = line.quotientAndRemainder(dividingBy: own.grid.down)
          maps.lay(
            source + image * maps.channels * maps.height * maps.width, top: 4 * row - maps.before.top,
            to: squares, own.table.pointer)
          transform.v = target + place * own.grid.across * maps.pitch
          kernel(&transform)
        }
      }
    }

    /// For each point the products of some output channels with a panel of input channels.
    private func multiply(_ product: PackedProduct, rows: Range<Int>, columns: Range<Int>) {
      let (tiles, pitch) = (product.depth, product.panelWidth)
      let (left, right) = (workspace.pointer(to: left), workspace.pointer(to: right))
      let (panel, products) = (workspace.pointer(to: panel), workspace.pointer(to: products))
      let step = TileGrid.pointStride(tiles: rows.count, pitch: pitch)
      let leftStep = TileGrid.pointStride(tiles: tiles, pitch: own.outputs.pitch)
      let rightStep = TileGrid.pointStride(tiles: tiles, pitch: own.inputs.pitch)
      let strides = MatrixStrides(
        MatrixLayout(stride: own.inputs.pitch), rows: tiles, columns: columns.count, of: "transformed maps")
      for point in 0..<WinogradKernelGradient.points {
        let operands = ProductOperands(
          a: left + point * leftStep + rows.lowerBound, aRow: 1, aColumn: own.outputs.pitch,
          b: UnsafePointer(panel), c: products + point * step, cRow: pitch)
        product.multiply(
          operands, rows: 0..<rows.count, panel: 0, packing: right + point * rightStep + columns.lowerBound,
          strides, to: panel, blocks: product.depthBlocks(rows: rows.count), epilogue: none,
          kernels: own.table.pointer)
      }
    }

    /// `G^T u G` of the products.
    private func back(
      rows: Range<Int>, columns: Range<Int>, pitch: Int, to result: UnsafeMutablePointer<Float>, adds: Bool
    ) {
      var kernels = lowrank_winograd_kernels()
      kernels.m = UnsafePointer(workspace.pointer(to: products))
      kernels.z = result + (rows.lowerBound * own.inputs.channels + columns.lowerBound) * 9
      (kernels.rows, kernels.inputs, kernels.m_row) = (rows.count, columns.count, pitch)
      kernels.m_point = TileGrid.pointStride(tiles: rows.count, pitch: pitch)
      (kernels.z_row, kernels.adds) = (own.inputs.channels * 9, adds)
      own.table.pointer.pointee.winograd_kernels(&kernels)
    }
  }

  /// The product of each point over so many tiles.
  private func product(tiles: Int) -> PackedProduct {
    PackedProduct(depth: tiles, columns: inputs.channels, rows: outputs.channels, machine: machine)
  }

  /// The output channels whose products lie in the second cache: whole tiles of the product.
  private func rowsTogether(_ product: PackedProduct) -> Int {
    let tile = machine.mostPixels[product.panel]
    return min(
      outputs.channels, max(1, Self.floats.products / (Self.points * product.panelWidth) / tile) * tile)
  }

  private func inputTransform(_ transform: UnsafePointer<lowrank_winograd_input>) {
    guard let form = WinogradForm.all.first(where: { $0.axes == .both && $0.tile == 4 && $0.kernel == 3 })
    else { return }
    lowrank_winograd_input_of(table.pointer, form.index)?(transform)
  }
}

/// Maps that are transformed in squares, of which neighbours begin 4 pixels apart.
private struct SquareMaps: Sendable {
  let channels: Int
  /// Channels in whole vectors.
  let pitch: Int
  let height: Int
  let width: Int
  /// The padding above and on the left.
  let before: (top: Int, left: Int)
  /// The side of a square.
  let side: Int
  /// The pixels of a line of squares.
  let across: Int

  /// The floats of a line of squares.
  var lineCount: Int { side * across * pitch }

  /// Lays rows of an image from `top` on channel-last, zeros where there are none.
  func lay(
    _ image: UnsafePointer<Float>, top: Int, to target: UnsafeMutablePointer<Float>,
    _ kernels: UnsafePointer<lowrank_kernels>
  ) {
    target.update(repeating: 0, count: lineCount)
    let count = min(width, across - before.left)
    guard count > 0 else { return }
    for i in 0..<side where (0..<height).contains(top + i) {
      kernels.pointee.to_rows(
        image + (top + i) * width, height * width, count, channels,
        target + (i * across + before.left) * pitch, pitch)
    }
  }
}
