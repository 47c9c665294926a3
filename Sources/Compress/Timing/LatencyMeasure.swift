public import Forms
import ModelGraph

/// Milliseconds of layers, out of a table of times.
///
/// Layers that the table does not list cost nothing as they are: their time is in `rest`, and they are kept.
///
/// **Accuracy** see `LayerPrices`.
public struct LatencyMeasure: CostMeasure {
  /// `milliseconds`.
  public let unit = "milliseconds"
  /// `latency`.
  public let option = "latency"
  /// 0: what is measured has no steps.
  public let step = 0.0
  /// False: each layer takes its own time.
  public let isShared = false
  /// What tells the shapes.
  public let advice = "as the model leaves shapes open: give --input-shape NAME=..."
  /// The time outside of all layers.
  public private(set) var rest: RestCost
  private let slower: [String: Set<String>]
  private var prices: [String: LayerPrices] = [:]
  /// What the prices of forms are multiplied with, where whole networks alone tell how far they are off.
  private var correction = 1.0

  /// Prices by a table of times of the layers.
  ///
  /// **Throws** `TimingError.table` where the table is of others.
  init(_ table: TimeTable, _ work: LayerWork) throws(TimingError) {
    try table.check(against: work)
    rest = RestCost(before: table.restMs, after: table.restMs)
    slower = Dictionary(table.layers.map { ($0.name, Set($0.slower)) }) { $1 }
    let rows = Dictionary(table.layers.map { ($0.name, $0) }) { $1 }
    for (layer, cost) in zip(work.layers, work.costs) {
      guard let row = rows[layer.name], let cost else { continue }
      prices[layer.name] = LayerPrices(row, cost)
    }
  }

  /// The milliseconds of all the layers; nil for forms of which nothing was timed.
  public func cost(of layer: MeasuredLayer, in form: FactoredForm) -> Double? {
    let isDense = form.kind == .dense
    var sum = 0.0
    for name in layer.names {
      guard let prices = prices[name] else { return isDense ? 0 : nil }
      guard let ms = prices(form) else { return nil }
      sum += ms
    }
    guard !isDense else { return sum }
    let price = sum * correction
    return hasMoreOfAll(form, layer) ? max(price, cost(of: layer, in: .dense) ?? price) : price
  }

  /// Whether a form has more weights and more multiplies than the layer as it is: where such a form was timed to be faster,
  /// that was noise.
  private func hasMoreOfAll(_ form: FactoredForm, _ layer: MeasuredLayer) -> Bool {
    guard let multiplies = layer.multiplies(form), let dense = layer.multiplies(.dense) else { return false }
    return multiplies >= dense && layer.weights(form) >= layer.weights(.dense)
  }

  /// Whether a form of the kind was no faster with a quarter of the weights.
  public func rulesOut(_ kind: FormKind, for layer: MeasuredLayer) -> Bool {
    layer.names.contains { slower[$0]?.contains(kind.name) ?? true }
  }

  /// Takes the measured time of a layer in a form as its price.
  mutating func set(_ form: FactoredForm, of layer: String, ms: Double) { prices[layer]?.set(form, ms: ms) }

  /// Takes what a network with layers in forms takes besides its layers for that of all such.
  mutating func setRest(_ ms: Double) { rest = RestCost(before: rest.before, after: max(0, ms)) }

  /// Multiplies the prices of all forms.
  mutating func scaleForms(by factor: Double) { correction *= factor }
}
