import LinearAlgebra
import TensorCore

/// Stage after stage, each as im2col and one CBLAS GEMM an image and group; a pointwise stage reads its input as it
/// lies.
///
/// The path for every spatial order, grouping and precision, and the CBLAS backend that the kernels of our own are
/// compared with.
struct PlainConvolution<Element: LapackScalar>: Sendable {
  let stages: [ConvolutionGeometry]
  /// [groups, S / groups D..., T / groups] for each stage: transposed, because OpenBLAS allocates in small products of two
  /// matrices as they lie (0.3.21, on AVX-512), and in no other.
  let weights: [Tensor<Element>]
  let bias: Tensor<Element>?
  let layout: WorkspaceLayout
  private let columns: WorkspaceRegion<Element>
  /// The maps between the stages of one image, two in turn.
  private let maps: [WorkspaceRegion<Element>]

  init(stages: [ConvolutionGeometry], weights: [Tensor<Element>], bias: Tensor<Element>?) {
    let transposed = zip(stages, weights).map { stage, weight in
      let outputs = stage.outputChannels / stage.groups
      return weight.reshaped([stage.groups, outputs, weight.count / stage.outputChannels]).permuted([0, 2, 1])
    }
    self.init(stages: stages, transposed: transposed, bias: bias, redZone: 0)
  }

  /// The same, with the regions of the workspace `redZone` bytes apart.
  init(_ other: PlainConvolution, redZone: Int) {
    self.init(stages: other.stages, transposed: other.weights, bias: other.bias, redZone: redZone)
  }

  private init(
    stages: [ConvolutionGeometry], transposed: [Tensor<Element>], bias: Tensor<Element>?, redZone: Int
  ) {
    var layout = WorkspaceLayout(redZone: redZone)
    let columnCount = stages.map { stage in
      stage.isPointwise ? 0 : stage.kernelShape.count / stage.outputChannels * stage.outputPositions
    }
    columns = layout.reserve(Element.self, count: columnCount.max() ?? 0)
    let between = stages.dropLast().map { $0.outputChannels * $0.outputPositions }
    maps = (0..<min(2, between.count)).map { _ in layout.reserve(Element.self, count: between.max() ?? 0) }
    self.layout = layout
    self.stages = stages
    self.weights = transposed
    self.bias = bias
  }

  /// Runs every image through all stages.
  func run(
    input: UnsafePointer<Element>, output: UnsafeMutablePointer<Element>, workspace: borrowing Workspace
  ) {
    let (first, last) = (stages[0], stages[stages.count - 1])
    for image in 0..<first.batch {
      var source = input + image * first.inputChannels * first.inputPositions
      let result = output + image * last.outputChannels * last.outputPositions
      for index in stages.indices {
        let target =
          index == stages.count - 1 ? result : workspace.pointer(to: maps[index % maps.count])
        run(stage: index, source: source, target: target, columns: workspace.pointer(to: columns))
        source = UnsafePointer(target)
      }
    }
  }

  private func run(
    stage index: Int, source: UnsafePointer<Element>, target: UnsafeMutablePointer<Element>,
    columns: UnsafeMutablePointer<Element>
  ) {
    let stage = stages[index]
    let (m, n) = (stage.outputChannels / stage.groups, stage.outputPositions)
    let groupInputs = stage.inputChannels / stage.groups
    let k = groupInputs * stage.kernel.reduce(1, *)
    var beta: Element = 0
    if index == stages.count - 1, let bias {
      // The GEMM adds to what is there.
      beta = 1
      bias.withSpan { bias in
        for t in 0..<stage.outputChannels { (target + t * n).update(repeating: bias[t], count: n) }
      }
    }
    weights[index].withSpan { weights in
      weights.withUnsafeBufferPointer { weights in
        guard let weights = weights.baseAddress else { return }
        for group in 0..<stage.groups {
          var b = source + group * groupInputs * stage.inputPositions
          if !stage.isPointwise {
            Im2Col(geometry: stage).columns(channels: groupInputs, source: b, target: columns)
            b = UnsafePointer(columns)
          }
          gemm(
            transposeA: true, m: m, n: n, k: k, a: weights + group * m * k, lda: m, b: b, ldb: n, beta: beta,
            c: target + group * m * n, ldc: n)
        }
      }
    }
  }
}
