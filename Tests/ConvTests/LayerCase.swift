import LinearAlgebra
import Forms
import Tensors
import Testing

@testable import Conv

/// A layer with its numbers, to be run by any plan and held against its definition.
struct LayerCase<E: LapackScalar> {
  let geometry: ConvolutionGeometry
  let form: FactoredForm
  let shapes: [StageShape]
  let weights: [Tensor<E>]
  let bias: Tensor<E>?
  let residual: Tensor<E>?
  let activation: Activation
  let input: Tensor<E>
  /// What a failure says besides: how to repeat it.
  private let note: String
  /// The definition's results, which differ in their bounds by the Winograd forms.
  private var oracles: [[WinogradForm?]: StageOracle] = [:]

  /// Draws the numbers; half of the layers have integers alone.
  init(
    _ geometry: ConvolutionGeometry, _ form: FactoredForm, _ cases: inout GeneratedCases, note: String = ""
  ) {
    let integers = cases.number(0...1) == 0
    func draw(_ shape: Shape) -> Tensor<E> { integers ? cases.integers(shape) : cases.tensor(shape) }
    self.geometry = geometry
    self.form = form
    self.note = note
    shapes = form.stages(kernel: geometry.kernelShape, groups: geometry.groups)
    weights = shapes.map { draw($0.weightShape) }
    bias = cases.number(0...2) > 0 ? draw([geometry.outputChannels]) : nil
    residual = cases.number(0...2) == 0 ? draw(geometry.outputShape) : nil
    activation = [Activation.none, .relu, .clip(low: -0.5, high: 1)][cases.number(0...2)]
    input = draw(geometry.inputShape)
  }

  /// Runs a plan for the layer and records what is wrong with its result.
  mutating func check(_ options: ConvolutionOptions) {
    let plan = ConvolutionPlan(
      geometry, stages: shapes, weights: weights, bias: bias, activation: activation, options: options)
    let result = runGuarded(plan, input, adding: residual)
    let winograd = shapes.indices.map { plan.winogradForm(ofStage: $0) }
    let oracle = oracles[winograd] ?? definition(plan)
    oracles[winograd] = oracle
    if let fault = oracle.fault(in: result) {
      Issue.record("\(fault); \(geometry) \(form) \(options) \(activation) \(note)")
    }
  }

  /// What the plan's stages are by their definition.
  private func definition(_ plan: ConvolutionPlan<E>) -> StageOracle {
    var oracle = StageOracle(doubles(input), unit: Double(E.ulpOfOne) / 2)
    for (i, stage) in plan.stages.enumerated() {
      oracle.apply(stage, weights: doubles(weights[i]), form: plan.winogradForm(ofStage: i))
    }
    if let bias {
      let (positions, channels) = (geometry.outputPositions, geometry.outputChannels)
      let elements = doubles(bias)
      oracle.add((0..<geometry.outputShape.count).map { elements[$0 / positions % channels] })
    }
    if let residual { oracle.add(doubles(residual)) }
    let (positions, channels) = (geometry.outputPositions, geometry.outputChannels)
    oracle.activate(activation) { $0 / positions % channels }
    return oracle
  }

  private func doubles(_ tensor: Tensor<E>) -> [Double] { tensor.elements.map { Double($0) } }
}
