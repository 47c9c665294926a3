import Forms
import ModelGraph
import Tensors

/// A model whose layers can be put into any form for the clock: with weights of the right shapes that mean nothing, so that
/// forms are timed in their real place before anything is factored.
struct LayerVariants {
  /// The model, each layer's node under a name that tells its place.
  private let model: ModelGraph
  private let layers: [FactorableLayer]
  private let costs: [MeasuredLayer?]
  private let mark: String

  /// The variants of a model with its layers as `work` lists them.
  init(_ model: ModelGraph, _ work: LayerWork, _ options: CompressionOptions) throws(TimingError) {
    var mark = "#"
    while model.main.nodes.contains(where: { $0.name.hasPrefix(mark) }) { mark += "#" }
    var named = model
    for (place, layer) in work.layers.enumerated() {
      named.main.nodes[layer.node].name = "\(mark)\(place)"
    }
    (self.model, self.mark, costs) = (named, mark, work.costs)
    do throws(ModelError) {
      layers = try named.layers(foldingBatchNormalization: options.foldsBatchNormalization)
    } catch { throw .compression(.model(error)) }
  }

  /// The model with some layers in forms, by place; the others are as they were.
  func model(with forms: [Int: FactoredForm]) -> ModelGraph {
    var variant = model
    variant.replace(
      forms.sorted { $0.key < $1.key }.map { place, form in
        let shapes = form.stages(kernel: layers[place].kernelShape ?? [], groups: layers[place].groups)
        return LayerReplacement(
          layer: layers[place], form: form, weights: shapes.map { Self.filler($0.weightShape) })
      })
    return variant
  }

  /// Weights that make each output the mean of its inputs: nothing grows without bound or fades to subnormal numbers.
  private static func filler(_ shape: Shape) -> Tensor<Float> {
    let fanIn = shape.extents.dropFirst().reduce(1, *)
    return Tensor(shape: shape, elements: [Float](repeating: 1 / Float(max(1, fanIn)), count: shape.count))
  }

  /// The milliseconds of each layer out of those of the nodes of `model(with:)`; 0 where none of them ran as such.
  ///
  /// Nodes that ran as one share its time by what they take apart; where the timer does not tell, by their multiplies, those of
  /// Winograd's forms counting less.
  func layerTimes(_ time: NetworkTime, with forms: [Int: FactoredForm]) -> [Double] {
    var result = [Double](repeating: 0, count: layers.count)
    for (name, ms) in time.nodes {
      let names = name.split(separator: " ... ").map(String.init)
      let isKnown = names.allSatisfy { stage($0) == nil || time.apart[$0] ?? 0 > 0 }
      let parts = names.compactMap { part -> (layer: Int, work: Double)? in
        guard let (place, stage) = self.stage(part) else { return nil }
        let apart = isKnown ? time.apart[part] : nil
        return (place, apart ?? work(place, forms[place] ?? .dense, stage))
      }
      let whole = parts.reduce(0) { $0 + $1.work }
      for part in parts {
        result[part.layer] += whole > 0 ? ms * part.work / whole : ms / Double(parts.count)
      }
    }
    return result
  }

  /// The layer and the stage that a node of a variant is of; nil where it is of none.
  private func stage(_ name: String) -> (layer: Int, stage: String?)? {
    guard name.hasPrefix(mark) else { return nil }
    let parts = name.dropFirst(mark.count).split(separator: "/", maxSplits: 1)
    guard let place = parts.first.flatMap({ Int($0) }), layers.indices.contains(place) else { return nil }
    return (place, parts.count > 1 ? String(parts[1]) : nil)
  }

  /// What a stage is expected to take beside others of a chain, in multiplies of a plain product.
  private func work(_ place: Int, _ form: FactoredForm, _ name: String?) -> Double {
    guard let cost = costs[place], let multiplies = cost.stageMultiplies(form) else { return 0 }
    let stages = form.stages(kernel: cost.kernel, groups: cost.groups)
    let index = stages.firstIndex { $0.name == name } ?? 0
    let stage = stages[index]
    let isWinograds = stage.groups == 1 && stage.inputs >= 8 && stage.kernel == [3, 3]
    return isWinograds ? multiplies[index] * Self.winogradsPart : multiplies[index]
  }

  /// F(4x4, 3x3) multiplies a quarter as often, and its transforms take about as much again as they leave.
  private static let winogradsPart = 0.35
}
