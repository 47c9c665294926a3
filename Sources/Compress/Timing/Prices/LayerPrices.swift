import Decompose
import Forms
import Tensors

/// Milliseconds of a layer in any form of the kinds that were timed:
///
///     ms(r) = base(r) x e(r),   e(r) = sum over i of w_i e_i / sum over i of w_i,   w_i = 1 / |ln r - ln r_i|²
///
/// `base` is what the stages' multiplies take at the prices that the times of the kind agree with best (see `StageTimes`), and
/// `e_i = ms_i / base(r_i)` by how much a form that was timed differs. So the price of a form that was timed is its time; between
/// such forms it follows the multiplies, stage by stage, and with fewer of them than were ever timed it does not vanish.
///
/// Ranks are taken as they are. Half a vector of channels takes from a half of a whole one's time to all of it, by the stage: to
/// round ranks up to whole vectors made one form's time pass for that of another.
///
/// **Accuracy** see the part `profile` of `scripts/measure/latency.py`.
///
/// **Source** Shepard, "A two-dimensional interpolation function for irregularly-spaced data", ACM 1968.
struct LayerPrices: Sendable {
  /// Milliseconds of the layer as it is.
  let dense: Double
  private let layer: MeasuredLayer
  private var timed: [FormKind: [FactoredForm: Double]] = [:]
  private var bases: [FormKind: StageTimes] = [:]

  /// The prices of a layer that stands at one place in the model.
  init(_ row: TimeTable.Layer, _ layer: MeasuredLayer) {
    (dense, self.layer) = (row.ms, layer)
    for timed in row.forms {
      if let form = FactoredForm(timed.form) { self.timed[form.kind, default: [:]][form] = timed.ms }
    }
    for kind in timed.keys { fit(kind) }
  }

  /// Takes a time down, in place of an earlier one of the same form.
  mutating func set(_ form: FactoredForm, ms: Double) {
    timed[form.kind, default: [:]][form] = ms
    fit(form.kind)
  }

  private mutating func fit(_ kind: FormKind) {
    let points = (timed[kind] ?? [:]).sorted { $0.key.ranks.lexicographicallyPrecedes($1.key.ranks) }
    bases[kind] = StageTimes(
      points.compactMap { form, ms in layer.stageMultiplies(form).map { (form, $0, ms) } })
  }

  /// Milliseconds of a form; nil where none of its kind was timed.
  func callAsFunction(_ form: FactoredForm) -> Double? {
    guard form.kind != .dense else { return dense }
    if let ms = timed[form.kind]?[form] { return ms }
    guard let base = bases[form.kind], let stages = layer.stageMultiplies(form) else { return nil }
    return base.milliseconds(form.ranks, stages)
  }
}

/// What the stages of a kind of form take, out of the times of some of its forms: a price of each stage's multiplies and one for
/// the whole, none of them negative, such that the relative errors are least,
///
///     sum over i of (base(r_i) / ms_i - 1)²,   base(r) = p_0 + sum over the stages s of p_s multiplies_s(r)
///
/// **Source** coordinate descent for least squares without negative unknowns: Franc, Hlavac, Navara 2005.
struct StageTimes: Sendable {
  /// By stage, and that of the whole.
  private let prices: [Double]
  private let points: [(ranks: [Int], part: Double)]

  private static let sweeps = 500

  /// **Shapes** the multiplies of each stage, of as many stages for each form.
  init?(_ timed: [(form: FactoredForm, stages: [Double], ms: Double)]) {
    guard let first = timed.first else { return nil }
    // A time of nothing tells no relative error.
    let known = timed.filter { $0.ms > 0 }
    let rows = known.map { row in (row.stages + [1]).map { $0 / row.ms } }
    // Units in which all unknowns are of one size.
    let units = (0...first.stages.count).map { place in rows.map { $0[place] }.max() ?? 0 }
    let scaled = rows.map { zip($0, units).map { $1 > 0 ? $0 / $1 : 0 } }
    // One time tells what the multiplies take, and nothing of what comes on top.
    let unknowns = known.count > 1 ? units.count : units.count - 1
    let found = Self.leastSquares(scaled.map { Array($0.prefix(unknowns)) }) + (known.count > 1 ? [] : [0])
    let prices = zip(found, units).map { $1 > 0 ? $0 / $1 : 0 }
    self.prices = prices
    points = known.map { ($0.form.ranks, $0.ms / Self.base($0.stages, prices)) }
  }

  /// The interpolated time of a form.
  func milliseconds(_ ranks: [Int], _ stages: [Double]) -> Double {
    var (sum, weights) = (0.0, 0.0)
    for point in points {
      let distance = zip(ranks, point.ranks).reduce(0.0) { sum, pair in
        let ratio = logarithm(Double(pair.0) / Double(pair.1))
        return sum + ratio * ratio
      }
      if distance == 0 { return Self.base(stages, prices) * point.part }
      sum += point.part / distance
      weights += 1 / distance
    }
    return weights > 0 ? Self.base(stages, prices) * sum / weights : 0
  }

  private static func base(_ stages: [Double], _ prices: [Double]) -> Double {
    zip(stages + [1], prices).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The x of least `|A x - 1|²` without negative elements; it begins where all unknowns explain as much, so that those that the
  /// times do not tell apart share evenly.
  private static func leastSquares(_ rows: [[Double]]) -> [Double] {
    let count = rows.first?.count ?? 0
    let mean = rows.map { $0.reduce(0, +) }.reduce(0, +) / Double(max(1, rows.count))
    var x = [Double](repeating: mean > 0 ? 1 / mean : 0, count: count)
    for _ in 0..<sweeps {
      for place in 0..<count {
        var (along, square) = (0.0, 0.0)
        for row in rows {
          let made = zip(row, x).reduce(0) { $0 + $1.0 * $1.1 }
          along += row[place] * (1 - made)
          square += row[place] * row[place]
        }
        if square > 0 { x[place] = max(0, x[place] + along / square) }
      }
    }
    return x
  }
}
