import ConvolutionDefinition
import Tensors

@testable import Conv

/// One convolution by its definition in Double, in C that shares nothing with the code under test.
struct Definition {
  /// What stands for each number that the convolution multiplies with: itself, its absolute value, its square.
  enum Measure {
    case values, magnitudes, squares

    fileprivate var code: definition_measure {
      switch self {
      case .values: definition_values
      case .magnitudes: definition_magnitudes
      case .squares: definition_squares
      }
    }
  }

  let stage: ConvolutionGeometry
  let weights: [Double]
  private var geometry = definition_geometry()

  init(_ stage: ConvolutionGeometry, _ weights: [Double]) {
    func three(_ values: [Int], _ missing: Int = 1) -> (Int, Int, Int) {
      let all = [Int](repeating: missing, count: 3 - values.count) + values
      return (all[0], all[1], all[2])
    }
    self.stage = stage
    self.weights = weights
    (geometry.batch, geometry.groups) = (stage.batch, stage.groups)
    (geometry.inputs, geometry.outputs) = (stage.inputChannels, stage.outputChannels)
    (geometry.extents, geometry.results) = (three(stage.inputExtents), three(stage.outputExtents))
    (geometry.kernel, geometry.stride) = (three(stage.kernel), three(stage.stride))
    (geometry.dilation, geometry.before) = (three(stage.dilation), three(stage.paddingBefore, 0))
  }

  /// The result for an input of `stage.inputShape`; by tiles where their matrices are given.
  func run(_ measure: Measure, _ input: [Double], tiles: WinogradMatrices? = nil) -> [Double] {
    var (geometry, output) = (geometry, [Double](repeating: .nan, count: stage.outputShape.count))
    guard let tiles else {
      definition_convolve(&geometry, measure.code, weights, input, &output)
      return output
    }
    tiles.back.withUnsafeBufferPointer { back in
      tiles.filter.withUnsafeBufferPointer { filter in
        tiles.input.withUnsafeBufferPointer { forward in
          withUnsafePointer(to: 1.0) { one in
            let along = definition_side(
              tile: tiles.tile, kernel: tiles.kernel, back: back.baseAddress, filter: filter.baseAddress,
              input: forward.baseAddress)
            let alone = definition_side(tile: 1, kernel: 1, back: one, filter: one, input: one)
            var matrices = definition_tiles(
              down: tiles.axes == .across ? alone : along, across: tiles.axes == .down ? alone : along)
            precondition(
              definition_convolve_by_tiles(&geometry, &matrices, measure.code, weights, input, &output) != 0,
              "no memory for the oracle")
          }
        }
      }
    }
    return output
  }
}
