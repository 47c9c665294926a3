import Forms

/// Times forms of layers, each as a part of the time of the layer as it is.
protocol FormClock {
  /// Milliseconds of the whole model as it is.
  var whole: Double { get }
  /// Milliseconds of each layer as it is; 0 where it does not run as such.
  var dense: [Double] { get }

  /// Times forms, by layer; with none at all, the model as it is.
  ///
  /// **Throws** where a model does not run.
  mutating func ratios(
    of forms: [[FactoredForm]], progress: @Sendable (Progress) -> Void
  ) throws(TimingError) -> [[FactoredForm: Double]]
}

/// Times forms in their place, where the timer tells single nodes apart.
///
/// In one variant of the model all layers stand in one of their forms each, so that as many variants as one layer has forms
/// are enough for all. Variants run in turn with the model as it is.
struct InPlaceClock: FormClock {
  private(set) var whole = Double.infinity
  private(set) var dense: [Double] = []
  private let variants: LayerVariants
  private let asItIs: any TimedNetwork
  private let timer: any NetworkTimer

  /// Variants that are in memory together.
  private static let together = 3

  init(_ variants: LayerVariants, _ timer: any NetworkTimer, asItIs: any TimedNetwork) {
    (self.variants, self.timer, self.asItIs) = (variants, timer, asItIs)
  }

  mutating func ratios(
    of forms: [[FactoredForm]], progress: @Sendable (Progress) -> Void
  ) throws(TimingError) -> [[FactoredForm: Double]] {
    let count = forms.map(\.count).max() ?? 0
    let assignments = (0..<count).map { turn in
      var assignment: [Int: FactoredForm] = [:]
      for (place, forms) in forms.enumerated() where turn < forms.count { assignment[place] = forms[turn] }
      return assignment
    }
    var ratios = forms.map { _ in [FactoredForm: Double]() }
    if count == 0 { try measure([], &ratios) }
    progress(.beginning(.timing, of: count))
    for first in stride(from: 0, to: count, by: Self.together) {
      let end = min(first + Self.together, count)
      try measure(Array(assignments[first..<end]), &ratios)
      progress(Progress(done: end, total: count, layer: "", task: .timing))
    }
    return ratios
  }

  private mutating func measure(
    _ assignments: [[Int: FactoredForm]], _ ratios: inout [[FactoredForm: Double]]
  ) throws(TimingError) {
    var networks = [asItIs]
    for assignment in assignments { networks.append(try timer.prepare(variants.model(with: assignment))) }
    let times = try timer.times(of: networks, .survey)
    let reference = variants.layerTimes(times[0], with: [:])
    whole = min(whole, times[0].whole)
    dense = dense.isEmpty ? reference : zip(dense, reference).map { min($0, $1) }
    for (assignment, time) in zip(assignments, times.dropFirst()) {
      let layers = variants.layerTimes(time, with: assignment)
      for (place, form) in assignment where reference[place] > 0 {
        ratios[place][form] = layers[place] / reference[place]
      }
    }
  }
}
