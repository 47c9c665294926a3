import Forms

extension LayerWork {
  /// About the least part of its price that the model can be brought to: every layer in the cheapest of its forms of the fewest
  /// ranks. Known before any kernel is looked at, or any input.
  func leastFraction(_ options: CompressionOptions, by measure: LatencyMeasure) -> Double {
    let planner = LayerPlanner(options: options)
    var (least, dense) = (measure.rest.after, measure.rest.before)
    for cost in costs.compactMap({ $0 }) { dense += measure.cost(of: cost, in: .dense) ?? 0 }
    least += dense - measure.rest.before
    for group in groups {
      let whole = measure.cost(of: group.cost, in: .dense) ?? 0
      let forms = planner.smallestForms(of: group.cost).filter { !measure.rulesOut($0.kind, for: group.cost) }
      let prices = forms.compactMap { measure.cost(of: group.cost, in: $0) }
      least -= max(0, whole - (prices.min() ?? whole))
    }
    return dense > 0 ? least / dense : 1
  }
}

extension LayerPlanner {
  /// Each kind of form that is considered for a layer, with the fewest ranks.
  fileprivate func smallestForms(of layer: MeasuredLayer) -> [FactoredForm] {
    guard obstacle(layer) == nil else { return [] }
    return kinds(layer).map { kind in
      FactoredForm(
        kind, ranks: kind.fullRanks(kernel: layer.kernel).map { min(max(1, options.rankMultiple), $0) })
    }
  }
}
