import Decompose
import Forms
import Tensors
import TestSupport
import Testing

@testable import Compress

@Suite struct AllocationTests {
  private func candidates(_ pairs: [(cost: Int, error: Double)], dense: Int) -> LayerCandidates {
    // The costs stand in the ranks of forms, to get them past the sorting out.
    LayerCandidates(
      pairs.map { RankedForm(form: .svd(rank: $0.cost), relativeError: $0.error) },
      cost: { form in form.ranks.first ?? dense }, leastSaving: 0.05)
  }

  /// The least sum of squared errors under the budget, by trying everything.
  private func exhaustive(_ layers: ArraySlice<LayerCandidates>, budget: Int) -> Double {
    guard let first = layers.first else { return 0 }
    return first.candidates.filter { $0.cost <= budget }.map {
      $0.squaredError + exhaustive(layers.dropFirst(), budget: budget - $0.cost)
    }.min() ?? .infinity
  }

  @Test func noChoiceIsBetter() throws {
    var generator = SeededGenerator(seed: 81)
    for _ in 0..<200 {
      let layers = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
        let dense = Int.random(in: 20...2000, using: &generator)
        let pairs = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
          (Int.random(in: 1...dense, using: &generator), Double.random(in: 0...1, using: &generator))
        }
        return candidates(pairs, dense: dense)
      }
      let total = layers.reduce(0) { $0 + ($1.candidates.last?.cost ?? 0) }
      let budget = Int.random(in: 0...total, using: &generator)
      let best = exhaustive(layers[...], budget: budget)
      guard let allocation = Allocation(layers, budget: budget) else {
        #expect(best == .infinity)
        continue
      }
      #expect(allocation.cost <= budget)
      // Sums of at most four numbers of size one.
      #expect(allocation.lowerBound <= best + 1e-12)
      // Costs are rounded up to 1/50,000 of the room; with room under 50,000 they are exact.
      #expect(abs(allocation.squaredError - best) <= 1e-12)
    }
  }

  @Test func beatenCandidatesAndSmallSavingsGo() {
    let layer = candidates([(50, 0.5), (60, 0.6), (70, 0.2), (99, 0.01)], dense: 100)
    #expect(layer.candidates.map(\.cost) == [50, 70, 100])
    #expect(layer.candidates.last?.form == nil)
  }

  @Test func everythingFitsAFullBudget() throws {
    let layers = [candidates([(50, 0.5)], dense: 100), candidates([(10, 0.1)], dense: 30)]
    let allocation = try #require(Allocation(layers, budget: 130))
    #expect(allocation.squaredError == 0 && allocation.gap == 0)
    #expect(Allocation(layers, budget: 59) == nil)
  }
}
