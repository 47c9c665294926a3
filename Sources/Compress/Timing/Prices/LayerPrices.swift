import Decompose
import Forms
import Tensors

/// Milliseconds of a layer in any form of the kinds that were timed:
///
///     ms(r) = work(r) x e(r),   e(r) = sum over i of w_i e_i / sum over i of w_i,   w_i = 1 / |ln r - ln r_i|²
///
/// with all ranks rounded up to whole vectors. `work` is the multiplies of all stages; `e_i = ms_i / work(r_i)` is what one multiply
/// took at the ranks `r_i` that were timed. So the price of a form that was timed is its time, and between such forms it is
/// the multiplies, which do vary much, by their efficiency, which does not.
///
/// **Accuracy** with 5 pairs of ranks of Tucker-2 and 3 ranks of other forms, see the prices of `scripts/latency.py`.
///
/// **Source** Shepard, "A two-dimensional interpolation function for irregularly-spaced data", ACM 1968.
struct LayerPrices: Sendable {
  /// Milliseconds of the layer as it is.
  let dense: Double
  private let layer: MeasuredLayer
  private let lanes: Int
  private var points: [FormKind: [Point]] = [:]

  /// A form that was timed.
  private struct Point: Sendable {
    let ranks: [Int]
    let efficiency: Double
  }

  /// The prices of a layer that stands at one place in the model.
  init(_ row: TimeTable.Layer, _ layer: MeasuredLayer, lanes: Int) {
    (dense, self.layer, self.lanes) = (row.ms, layer, lanes)
    for timed in row.forms {
      if let form = FactoredForm(timed.form) { set(form, ms: timed.ms) }
    }
  }

  /// Takes a time down, in place of an earlier one of the same form.
  mutating func set(_ form: FactoredForm, ms: Double) {
    guard let work = work(form), work > 0 else { return }
    let ranks = wholeVectors(form.ranks)
    points[form.kind, default: []].removeAll { $0.ranks == ranks }
    points[form.kind, default: []].append(Point(ranks: ranks, efficiency: ms / work))
  }

  /// Milliseconds of a form; nil where none of its kind was timed.
  func callAsFunction(_ form: FactoredForm) -> Double? {
    guard form.kind != .dense else { return dense }
    guard let known = points[form.kind], !known.isEmpty, let work = work(form) else { return nil }
    let ranks = wholeVectors(form.ranks)
    var (sum, weights) = (0.0, 0.0)
    for point in known {
      let distance = zip(ranks, point.ranks).reduce(0.0) { sum, pair in
        let ratio = logarithm(Double(pair.0) / Double(pair.1))
        return sum + ratio * ratio
      }
      if distance == 0 { return work * point.efficiency }
      sum += point.efficiency / distance
      weights += 1 / distance
    }
    return work * sum / weights
  }

  /// The multiplies with ranks of whole vectors; nil where the layer's extents are unknown.
  private func work(_ form: FactoredForm) -> Double? {
    layer.multiplies(FactoredForm(form.kind, ranks: wholeVectors(form.ranks))).map { Double($0) }
  }

  /// Ranks cost what the next multiple of the lanes does.
  private func wholeVectors(_ ranks: [Int]) -> [Int] { ranks.map { ($0 + lanes - 1) / lanes * lanes } }
}
