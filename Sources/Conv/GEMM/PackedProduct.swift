internal import CKernels
import Tensors

/// A product with columns packed in panels, and how it goes through the caches.
///
/// The loops are those of Goto and van de Geijn, A's side unpacked: blocks of the depth whose panel of columns stays in the
/// second cache while all rows go over it, and chunks of rows that stay there while all panels do. Each element is summed in
/// the order of the depth, whatever the blocks: a block goes on with the sum that C holds.
///
/// **Source** Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008.
struct PackedProduct: Sendable {
  let depth: Int
  let columns: Int
  /// Vectors a panel.
  let panel: Int
  let machine: Machine

  /// `rows` is about how many rows will be multiplied.
  init(depth: Int, columns: Int, rows: Int, machine: Machine) {
    self.init(
      depth: depth, columns: columns, panel: machine.panel(pixels: rows, vectors: machine.vectors(columns)),
      machine: machine)
  }

  /// A product whose panels are given.
  init(depth: Int, columns: Int, panel: Int, machine: Machine) {
    (self.depth, self.columns, self.panel, self.machine) = (depth, columns, panel, machine)
  }

  /// The columns in vectors, the last of which may have spare ones.
  var vectors: Int { machine.vectors(columns) }
  /// The panels that the columns make.
  var panels: Int { (vectors + panel - 1) / panel }
  /// The floats of a whole panel for each depth.
  var panelWidth: Int { panel * machine.width }
  /// The floats of all panels.
  var packedCount: Int { vectors * machine.width * depth }

  /// The number of blocks that the depth goes in for so many rows: one where no row meets a panel again.
  func depthBlocks(rows: Int) -> Int {
    guard rows > machine.mostPixels[panel] else { return 1 }
    return max(1, (depth + blockDepth - 1) / blockDepth)
  }

  /// The deepest block: an eighth of the second cache for a panel.
  var blockDepth: Int { max(64, machine.privateBytes / 8 / (4 * panelWidth)) }

  /// The depths of a block.
  func block(_ index: Int, of blocks: Int) -> Range<Int> {
    index * depth / blocks..<(index + 1) * depth / blocks
  }

  /// The number of chunks that rows go in: half of the second cache for what a chunk has of a block.
  func rowChunks(rows: Int, blocks: Int) -> Int {
    let most = max(machine.mostPixels[panel], machine.privateBytes / 2 / (4 * max(1, depth / blocks)))
    return (rows + most - 1) / most
  }
}

/// What a product reads and writes.
struct ProductOperands {
  let a: UnsafePointer<Float>
  /// Elements between neighbouring rows and columns of A; one of them is 1.
  let aRow: Int
  let aColumn: Int
  /// The packed columns.
  let b: UnsafePointer<Float>
  let c: UnsafeMutablePointer<Float>
  let cRow: Int
  /// Whether the product is added to what C holds.
  var adds = false
}

extension PackedProduct {
  /// Multiplies some rows with some vectors of packed columns.
  func multiply(
    _ operands: ProductOperands, rows: Range<Int>, vectors: Range<Int>, epilogue: PackedEpilogue,
    kernels: UnsafePointer<lowrank_kernels>
  ) {
    guard !rows.isEmpty, !vectors.isEmpty else { return }
    if operands.adds, let bias = epilogue.bias {
      let channels = vectors.lowerBound * machine.width..<min(columns, vectors.upperBound * machine.width)
      add(bias, channels, to: operands.c, rows: rows, stride: operands.cRow)
    }
    let blocks = depthBlocks(rows: rows.count)
    let chunks = rowChunks(rows: rows.count, blocks: blocks)
    for chunk in 0..<chunks {
      let first = rows.lowerBound + chunk * rows.count / chunks
      let own = first..<(rows.lowerBound + (chunk + 1) * rows.count / chunks)
      for index in 0..<blocks {
        let block = block(index, of: blocks)
        let adds = operands.adds || index > 0
        var product = self.product(of: vectors, adds: adds, isLast: index == blocks - 1, epilogue)
        product.b = operands.b + vectors.lowerBound * machine.width * depth
        (product.b_depth, product.b_first) = (depth, block.lowerBound)
        run(&product, operands, rows: own, depths: block, vectors, kernels)
      }
    }
  }

  /// Multiplies some rows with one panel of columns of `b`, which is packed into `panel` in so many blocks of the depth.
  func multiply(
    _ operands: ProductOperands, rows: Range<Int>, panel index: Int, packing b: UnsafePointer<Float>,
    _ strides: MatrixStrides, to panel: UnsafeMutablePointer<Float>, blocks: Int, epilogue: PackedEpilogue,
    kernels: UnsafePointer<lowrank_kernels>
  ) {
    let own = index * panelWidth..<min(columns, (index + 1) * panelWidth)
    let vectors = index * self.panel..<min(self.vectors, (index + 1) * self.panel)
    for index in 0..<blocks {
      let block = block(index, of: blocks)
      pack(b, strides, depths: block, columns: own, to: panel, kernels: kernels)
      var product = self.product(of: vectors, adds: index > 0, isLast: index == blocks - 1, epilogue)
      product.b = operands.b
      product.b_depth = block.count
      run(&product, operands, rows: rows, depths: block, vectors, kernels)
    }
  }

  /// A product of some vectors of columns, but for its rows and depths.
  private func product(
    of vectors: Range<Int>, adds: Bool, isLast: Bool, _ epilogue: PackedEpilogue
  ) -> lowrank_rows {
    var product = lowrank_rows()
    (product.rows, product.taps) = (1, 1)
    product.vectors = vectors.count
    product.panel = panel
    product.spare = max(0, vectors.upperBound * machine.width - columns)
    product.channel = vectors.lowerBound * machine.width
    product.adds = adds
    product.epilogue = isLast ? (adds ? epilogue.activationAlone : epilogue.whole) : epilogue.biasAlone
    return product
  }

  private func run(
    _ product: inout lowrank_rows, _ operands: ProductOperands, rows: Range<Int>, depths: Range<Int>,
    _ vectors: Range<Int>, _ kernels: UnsafePointer<lowrank_kernels>
  ) {
    product.pixels = rows.count
    product.depth = depths.count
    (product.a_pixel, product.a_depth) = (operands.aRow, operands.aColumn)
    product.c_pixel = operands.cRow
    let a = operands.a + rows.lowerBound * operands.aRow + depths.lowerBound * operands.aColumn
    let c = operands.c + rows.lowerBound * operands.cRow + vectors.lowerBound * machine.width
    withUnsafePointer(to: Optional(a)) { a in
      withUnsafePointer(to: Optional(c)) { c in
        (product.a, product.c) = (a, c)
        if operands.aColumn == 1 {
          kernels.pointee.rows(&product)
        } else {
          kernels.pointee.rows_of_maps(&product)
        }
      }
    }
  }

  /// What the sums begin at where they do not begin at the bias.
  private func add(
    _ bias: UnsafePointer<Float>, _ channels: Range<Int>, to c: UnsafeMutablePointer<Float>, rows: Range<Int>,
    stride: Int
  ) {
    for row in rows {
      let target = c + row * stride
      for channel in channels { target[channel] += bias[channel] }
    }
  }

  /// Packs some depths of some columns of a matrix; `target` is the place of the first of these columns' panels, which are
  /// `deep` depths deep.
  ///
  /// Spare columns become zeros, or stay what they are where the rows of the matrix lie side by side.
  func pack(
    _ b: UnsafePointer<Float>, _ strides: MatrixStrides, depths: Range<Int>, columns: Range<Int>,
    to target: UnsafeMutablePointer<Float>, kernels: UnsafePointer<lowrank_kernels>
  ) {
    for first in stride(from: columns.lowerBound, to: columns.upperBound, by: panelWidth) {
      let count = min(panelWidth, columns.upperBound - first)
      let pitch = min(panelWidth, roundUp(count, to: machine.width))
      let source = b + depths.lowerBound * strides.row + first * strides.column
      let panel = target + (first - columns.lowerBound) * depths.count
      if strides.isTransposed {
        kernels.pointee.to_rows(source, strides.column, depths.count, count, panel, pitch)
      } else {
        kernels.pointee.copy_maps(source, strides.row, count, depths.count, 0, panel, pitch)
      }
    }
  }
}
