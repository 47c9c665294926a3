internal import CKernels
import Tensors

/// The weights of stages of Float for the kernel that multiplies channel-first maps, which takes the place of the BLAS on
/// column matrices.
struct MapsKernels: Sendable {
  let table: KernelTable
  let machine: Machine
  /// Strips of each group of each stage.
  let strips: [PackedWeights]
  let epilogues: [PackedEpilogue]

  /// Nil where the processor does not have the variant.
  init?(_ stages: [ConvolutionStage<Float>], variant: KernelVariant) {
    guard let pointer = variant.table else { return nil }
    table = KernelTable(pointer: pointer)
    let machine = Machine(pointer.pointee)
    self.machine = machine
    epilogues = stages.map { PackedEpilogue(bias: $0.bias, activation: $0.activation) }
    strips = stages.map { stage in
      let (outputs, depth) = (
        stage.outputChannels / stage.groups, stage.weights.count / stage.outputChannels
      )
      return stage.weights.withSpan { w in
        .strips(outputs, depth: depth, strip: machine.strip, groups: stage.groups) { group, output, input in
          w[(group * outputs + output) * depth + input]
        }
      }
    }
  }

  /// The outputs along the first spatial axis whose columns fill half of the second cache; at least one.
  func rowsTogether(_ stage: ConvolutionGeometry) -> Int {
    let row = stage.outputPositions / (stage.outputExtents.first ?? 1)
    let depth = depth(stage)
    return max(1, min(stage.outputExtents.first ?? 1, machine.privateBytes / 2 / (4 * depth * row)))
  }

  /// The floats of the columns that are multiplied at once, readable up to a whole vector behind the last.
  func columnCount(_ stage: ConvolutionGeometry) -> Int {
    let row = stage.outputPositions / (stage.outputExtents.first ?? 1)
    return depth(stage) * row * rowsTogether(stage) + 16
  }

  /// The products of an output. A run asks for it, so that it makes no shape on the way.
  private func depth(_ stage: ConvolutionGeometry) -> Int {
    stage.inputChannels / stage.groups * stage.kernel.reduce(1, *)
  }
}

/// One thread's share of a stage: where it reads and writes, and its column matrix.
struct MapsShare {
  let source: UnsafePointer<Float>
  let channel: Int
  let position: Int
  let residual: UnsafePointer<Float>?
  /// How the residual lies: elements between its channels and positions.
  let residualStep: (channel: Int, position: Int)
  let target: UnsafeMutablePointer<Float>
  /// Elements between the channels of the target.
  let row: Int
  let columns: UnsafeMutablePointer<Float>
}

extension MapsKernels {
  /// Computes some outputs of some groups of a stage, band by band of the first spatial axis.
  func run(
    stage index: Int, _ stage: ConvolutionGeometry, _ memory: MapsShare, groups: Range<Int>, rows: Range<Int>
  ) {
    let (outputs, inputs) = (stage.outputChannels / stage.groups, stage.inputChannels / stage.groups)
    let im2col = Im2Col(geometry: stage, channel: memory.channel, position: memory.position)
    let rowPositions = stage.outputPositions / (stage.outputExtents.first ?? 1)
    var product = lowrank_maps()
    (product.outputs, product.depth) = (outputs, inputs * stage.kernel.reduce(1, *))
    product.z_row = memory.row
    product.x = UnsafePointer(memory.columns)
    product.epilogue = epilogues[index].whole
    for group in groups {
      product.channel = group * outputs
      product.w = strips[index].base + group * roundUp(outputs, to: machine.strip) * product.depth
      for start in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsTogether(stage)) {
        let band = start..<min(rows.upperBound, start + rowsTogether(stage))
        im2col.columns(
          channels: inputs, outerRows: band, source: memory.source + group * inputs * memory.channel,
          target: memory.columns)
        product.pixels = band.count * rowPositions
        product.x_row = product.pixels
        product.z = memory.target + product.channel * memory.row + start * rowPositions
        product.residual = residual(memory, product, first: start * rowPositions)
        table.pointer.pointee.maps(&product)
      }
    }
  }

  /// What is added to a product, laid out as its result: where it lies otherwise it is put in the result's place.
  private func residual(_ memory: MapsShare, _ product: lowrank_maps, first: Int) -> UnsafePointer<Float>? {
    guard let residual = memory.residual else { return nil }
    let step = memory.residualStep
    let from = residual + product.channel * step.channel + first * step.position
    if step.position == 1, step.channel == memory.row { return from }
    for t in 0..<product.outputs {
      for p in 0..<product.pixels {
        product.z[t * memory.row + p] = from[t * step.channel + p * step.position]
      }
    }
    return UnsafePointer(product.z)
  }
}
