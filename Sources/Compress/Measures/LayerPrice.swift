import Forms

/// The cost of the forms of one layer in a measure that knows the layer.
struct LayerPrice {
  let layer: MeasuredLayer
  private let measure: any CostMeasure

  /// Prices a layer in a measure, or in weights where the measure does not know it.
  init(_ layer: MeasuredLayer, _ measure: any CostMeasure) {
    self.layer = layer
    self.measure = measure.cost(of: layer, in: .dense) == nil ? WeightCount() : measure
  }

  /// What is counted.
  var unit: String { measure.unit }

  /// The cost of a form; infinite where it is unknown.
  func callAsFunction(_ form: FactoredForm) -> Double { measure.cost(of: layer, in: form) ?? .infinity }
}
