import Decompose
import Forms
import Tensors
import TestSupport
import Testing

@testable import Compress

/// Budgets of real networks: too large for the knapsack to count one by one, so that costs are rounded.
@Suite struct LargeBudgetTests {
  private func candidates(_ forms: [RankedForm], dense: Int) -> LayerCandidates {
    LayerCandidates(
      forms, dense: Double(dense), leastSaving: 0.05, cost: { Double($0.ranks[0]) },
      error: { $0.relativeError * $0.relativeError })
  }

  @Test func roundedCostsNeverOverspendAndLoseLittle() throws {
    var generator = SeededGenerator(seed: 181)
    var allocated = 0
    for round in 0..<40 {
      let layers = (0..<Int.random(in: 2...6, using: &generator)).map { _ in
        let dense = Int.random(in: 100_000...40_000_000, using: &generator)
        let forms = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
          // The costs stand in the ranks of forms, to get them past the sorting out.
          RankedForm(
            form: .svd(rank: Int.random(in: 1...dense, using: &generator)),
            relativeError: Double.random(in: 0...1, using: &generator))
        }
        return candidates(forms, dense: dense)
      }
      let total = layers.reduce(0) { $0 + ($1.candidates.last?.cost ?? 0) }
      let budget = Double(Int.random(in: 0...Int(total), using: &generator))
      guard let allocation = Allocation(layers, budget: budget, step: 1) else { continue }
      allocated += 1
      #expect(allocation.cost <= budget, "round \(round)")
      let chosen = zip(layers, allocation.choices).map { $0.candidates[$1] }
      #expect(allocation.cost == chosen.reduce(0) { $0 + $1.cost })
      // Sums of at most six numbers of size one.
      #expect(abs(allocation.error - chosen.reduce(0) { $0 + $1.error }) <= 1e-14)
      #expect(allocation.lowerBound <= allocation.error + 1e-12)
      // Rounding up costs at most a 50,000th of the room for each layer: the best of a budget smaller by that much.
      let smaller = budget - Double(layers.count) * (total / 50_000 + 1)
      #expect(allocation.error <= exhaustive(layers[...], budget: smaller) + 1e-12, "round \(round)")
    }
    #expect(allocated > 15)
  }

  /// Two candidates that fit together but for one multiply, which is less than the knapsack counts in.
  @Test func oneTooManyIsTooMany() throws {
    let cost = 5_000_150
    let layer = candidates(
      [(1, 1.0), (cost, 0.1)].map { RankedForm(form: .svd(rank: $0.0), relativeError: $0.1) },
      dense: 10_000_000)
    let allocation = try #require(Allocation([layer, layer], budget: Double(2 * cost - 1), step: 1))
    #expect(allocation.cost <= Double(2 * cost - 1))
    // One layer as it is, the other at its cheapest.
    #expect(allocation.error == 1)
    let enough = try #require(Allocation([layer, layer], budget: Double(2 * cost + 500), step: 1))
    #expect(enough.cost == Double(2 * cost))
  }

  /// The least sum of squared errors under the budget, by the pairs of cost and error that no other one beats.
  private func exhaustive(_ layers: ArraySlice<LayerCandidates>, budget: Double) -> Double {
    var frontier = [(cost: 0.0, error: 0.0)]
    for layer in layers {
      let sums = frontier.flatMap { sum in
        layer.candidates.map { (cost: sum.cost + $0.cost, error: sum.error + $0.error) }
      }
      frontier = []
      for sum in sums.sorted(by: { ($0.cost, $0.error) < ($1.cost, $1.error) })
      where sum.cost <= budget && sum.error < frontier.last?.error ?? .infinity {
        frontier.append(sum)
      }
    }
    return frontier.last?.error ?? .infinity
  }
}
