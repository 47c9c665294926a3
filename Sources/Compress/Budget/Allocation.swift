/// The choice of one candidate a layer that makes the sum of the errors least under a budget, whatever cost and error are.
///
///     min  sum over l of error(l, c(l))   subject to   sum over l of cost(l, c(l)) <= budget
///
/// A multiple-choice knapsack. The Lagrangian bound
///
///     D = max over lambda >= 0 of  sum over l of min over c of (error + lambda cost)  -  lambda budget
///
/// is at most the optimum; what is found is at most `gap` of itself above it. The choice comes from dynamic
/// programming over the candidates that the bound does not rule out, with costs rounded up to 1/50,000 of the room
/// between the cheapest choice and the budget, or to whole steps of the measure where these are larger, so the budget is never exceeded. Counts are exact
/// up to 2^53.
///
/// **Complexity** layers x surviving candidates x 50,000 additions, and 2 bytes of them a layer.
///
/// **Source** Everett 1963 (Lagrange multipliers); Kellerer, Pferschy, Pisinger, Knapsack Problems, chapter 11.
struct Allocation: Sendable {
  /// The place of the candidate chosen for each layer.
  let choices: [Int]
  /// The cost of all layers.
  let cost: Double
  /// The sum of the errors.
  let error: Double
  /// No choice under the budget has a smaller sum than this.
  let lowerBound: Double

  /// How far from the best the choice can be at most, as a part of itself.
  var gap: Double { error > 0 ? max(0, error - lowerBound) / error : 0 }

  /// Allocates; nil where even the cheapest candidates exceed the budget. `step` is the least difference between two costs.
  init?(_ layers: [LayerCandidates], budget: Double, step: Double) {
    let cheapest = layers.reduce(0.0) { $0 + $1.candidates[0].cost }
    guard cheapest <= budget else { return nil }
    let relaxation = LagrangianRelaxation(layers, budget: budget)
    lowerBound = max(0, relaxation.bound)
    let greedy = relaxation.filled()
    let knapsack = BoundedKnapsack(
      layers, budget: budget, step: step, relaxation, upper: Self.error(layers, greedy))
    let best = knapsack.choices().map {
      Self.error(layers, $0) < Self.error(layers, greedy) ? $0 : greedy
    }
    choices = best ?? greedy
    cost = zip(layers, choices).reduce(0.0) { $0 + $1.0.candidates[$1.1].cost }
    error = Self.error(layers, choices)
  }

  private static func error(_ layers: [LayerCandidates], _ choices: [Int]) -> Double {
    zip(layers, choices).reduce(0) { $0 + $1.0.candidates[$1.1].error }
  }
}

/// The relaxation of the budget into a price on cost.
struct LagrangianRelaxation {
  let layers: [LayerCandidates]
  let budget: Double
  /// The price of cost at which the bound is greatest.
  let price: Double
  let bound: Double

  init(_ layers: [LayerCandidates], budget: Double) {
    self.layers = layers
    self.budget = budget
    // The bound is concave in the price and its slope is the cost of the minimisers less the budget: bisection on that.
    var (low, high) = (0.0, 1.0)
    func excess(_ price: Double) -> Double {
      Self.minimisers(layers, price).reduce(-budget) { $0 + layers[$1.layer].candidates[$1.choice].cost }
    }
    while excess(high) > 0 && high < 1e30 { high *= 16 }
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if excess(middle) > 0 { low = middle } else { high = middle }
    }
    price = high
    bound = [low, high].map { Self.value(layers, budget, $0) }.max() ?? 0
  }

  private static func minimisers(
    _ layers: [LayerCandidates], _ price: Double
  ) -> [(layer: Int, choice: Int)] {
    layers.enumerated().map { place, layer in
      (
        place,
        layer.candidates.indices.min { a, b in
          reduced(layer.candidates[a], price) < reduced(layer.candidates[b], price)
        } ?? 0
      )
    }
  }

  private static func reduced(_ candidate: LayerCandidates.Candidate, _ price: Double) -> Double {
    candidate.error + price * candidate.cost
  }

  private static func value(_ layers: [LayerCandidates], _ budget: Double, _ price: Double) -> Double {
    layers.reduce(-price * budget) { sum, layer in
      sum + (layer.candidates.lazy.map { reduced($0, price) }.min() ?? 0)
    }
  }

  /// How much more than the layer's minimum a candidate adds to the bound: if that passes the distance to a known
  /// solution, no better solution has the candidate in it.
  func excess(layer: Int, choice: Int) -> Double {
    let least = layers[layer].candidates.lazy.map { Self.reduced($0, price) }.min() ?? 0
    return Self.reduced(layers[layer].candidates[choice], price) - least
  }

  /// The choice at the price, which keeps to the budget, with what is left spent where it lowers the error most.
  func filled() -> [Int] {
    var choices = Self.minimisers(layers, price).map(\.choice)
    var left = zip(layers, choices).reduce(budget) { $0 - $1.0.candidates[$1.1].cost }
    if left < 0 {
      choices = layers.map { _ in 0 }
      left = layers.reduce(budget) { $0 - $1.candidates[0].cost }
    }
    while let step = bestStep(choices, left: left) {
      left -=
        layers[step.layer].candidates[step.choice].cost
        - layers[step.layer].candidates[choices[step.layer]].cost
      choices[step.layer] = step.choice
    }
    return choices
  }

  /// The affordable change of one layer that lowers the error most.
  private func bestStep(_ choices: [Int], left: Double) -> (layer: Int, choice: Int)? {
    var best: (layer: Int, choice: Int, gain: Double)?
    for (place, layer) in layers.enumerated() {
      let now = layer.candidates[choices[place]]
      let affordable = layer.candidates.lastIndex { $0.cost - now.cost <= left } ?? choices[place]
      let gain = now.error - layer.candidates[affordable].error
      if gain > best?.gain ?? 0 { best = (place, affordable, gain) }
    }
    return best.map { ($0.layer, $0.choice) }
  }
}

/// Dynamic programming over costs in units, for the candidates that can be in a better solution than a known one.
private struct BoundedKnapsack {
  private let layers: [LayerCandidates]
  /// For each layer the places of the candidates that are left.
  private let survivors: [[Int]]
  private let unit: Double
  /// The cheapest survivor of each layer: only what is above it is counted in units.
  private let base: [Double]
  /// The room above the cheapest survivors, in units; negative where they exceed the budget.
  private let capacity: Int
  private static let mostUnits = 50_000

  init(
    _ layers: [LayerCandidates], budget: Double, step: Double, _ relaxation: LagrangianRelaxation,
    upper: Double
  ) {
    self.layers = layers
    // Rounding of the sums must not rule the solution itself out.
    let slack = (upper - relaxation.bound) * (1 + 1e-9) + 1e-12
    survivors = layers.indices.map { layer in
      layers[layer].candidates.indices.filter { relaxation.excess(layer: layer, choice: $0) <= slack }
    }
    let (layers, survivors) = (self.layers, self.survivors)
    base = layers.indices.map { layer in survivors[layer].map { layers[layer].candidates[$0].cost }.min() ?? 0
    }
    let room = budget - base.reduce(0, +)
    unit = max(step, room / Double(Self.mostUnits), .leastNormalMagnitude)
    capacity = room < 0 ? -1 : Int(room / unit)
  }

  /// The best choice; nil where rounding leaves none.
  func choices() -> [Int]? {
    guard capacity >= 0, !survivors.contains(where: \.isEmpty) else { return nil }
    var best = [Double](repeating: 0, count: capacity + 1)
    var chosen: [[UInt16]] = []
    for (layer, places) in survivors.enumerated() {
      var next = [Double](repeating: .infinity, count: capacity + 1)
      var choice = [UInt16](repeating: 0, count: capacity + 1)
      for (number, place) in places.enumerated() {
        let candidate = layers[layer].candidates[place]
        let weight = units(candidate.cost - base[layer])
        guard weight <= capacity else { continue }
        for spent in weight...capacity {
          let error = best[spent - weight] + candidate.error
          if error < next[spent] {
            next[spent] = error
            choice[spent] = UInt16(truncatingIfNeeded: number)
          }
        }
      }
      best = next
      chosen.append(choice)
    }
    guard best[capacity].isFinite else { return nil }
    return trace(chosen)
  }

  private func trace(_ chosen: [[UInt16]]) -> [Int] {
    var spent = capacity
    var choices = [Int](repeating: 0, count: layers.count)
    for layer in layers.indices.reversed() {
      let place = survivors[layer][Int(chosen[layer][spent])]
      choices[layer] = place
      spent -= units(layers[layer].candidates[place].cost - base[layer])
    }
    return choices
  }

  /// A cost in units, rounded up; one more than there can be for all that is beyond.
  private func units(_ cost: Double) -> Int {
    Int(min((cost / unit).rounded(.up), Double(Self.mostUnits + 1)))
  }
}
