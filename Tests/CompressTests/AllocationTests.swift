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
      pairs.map { RankedForm(form: .svd(rank: $0.cost), relativeError: $0.error) }, dense: Double(dense),
      leastSaving: 0.05, cost: { Double($0.ranks[0]) }, error: { $0.relativeError * $0.relativeError })
  }

  /// The least sum of squared errors under the budget, by trying everything.
  private func exhaustive(_ layers: ArraySlice<LayerCandidates>, budget: Double) -> Double {
    guard let first = layers.first else { return 0 }
    return first.candidates.filter { $0.cost <= budget }.map {
      $0.error + exhaustive(layers.dropFirst(), budget: budget - $0.cost)
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
      let budget = Double(Int.random(in: 0...Int(total), using: &generator))
      let best = exhaustive(layers[...], budget: budget)
      guard let allocation = Allocation(layers, budget: budget, step: 1) else {
        #expect(best == .infinity)
        continue
      }
      #expect(allocation.cost <= budget)
      // Sums of at most four numbers of size one.
      #expect(allocation.lowerBound <= best + 1e-12)
      // Costs are rounded up to 1/50,000 of the room; with room under 50,000 they are exact.
      #expect(abs(allocation.error - best) <= 1e-12)
    }
  }

  @Test func beatenCandidatesAndSmallSavingsGo() {
    let layer = candidates([(50, 0.5), (60, 0.6), (70, 0.2), (99, 0.01)], dense: 100)
    #expect(layer.candidates.map(\.cost) == [50, 70, 100])
    #expect(layer.candidates.last?.form == nil)
  }

  @Test func everythingFitsAFullBudget() throws {
    let layers = [candidates([(50, 0.5)], dense: 100), candidates([(10, 0.1)], dense: 30)]
    let allocation = try #require(Allocation(layers, budget: 130, step: 1))
    #expect(allocation.error == 0 && allocation.gap == 0)
    #expect(Allocation(layers, budget: 59, step: 1) == nil)
  }

  /// Costs that are measured have no steps: fractions of a unit are shared out as well, and the unit does not matter.
  @Test(arguments: [1e-6, 1, 1e6]) func costsNeedNotBeCounts(unit: Double) throws {
    func layer(_ pairs: [(cost: Int, error: Double)], dense: Int) -> LayerCandidates {
      LayerCandidates(
        pairs.map { RankedForm(form: .svd(rank: $0.cost), relativeError: $0.error) },
        dense: unit * Double(dense), leastSaving: 0.05, cost: { unit * Double($0.ranks[0]) },
        error: { $0.relativeError })
    }
    let layers = [
      layer([(20, 0.5), (50, 0.35), (80, 0.1)], dense: 100), layer([(10, 0.4), (20, 0.2)], dense: 30),
    ]
    // What is left, half a unit, is no room for another candidate.
    let allocation = try #require(Allocation(layers, budget: 100.5 * unit, step: 0))
    #expect(allocation.choices == [2, 1] && abs(allocation.error - 0.3) <= 4 * Double.ulpOfOne)
    #expect(allocation.lowerBound <= allocation.error)
    #expect(Allocation(layers, budget: 29.9 * unit, step: 0) == nil)
    // No room at all above the cheapest choice.
    #expect(try #require(Allocation(layers, budget: 30 * unit, step: 0)).choices == [0, 0])
  }

  /// A form whose cost a measure does not know is no candidate.
  @Test func formsOfUnknownCostGo() {
    let layer = LayerCandidates(
      [5, 6, 7].map { RankedForm(form: .svd(rank: $0), relativeError: 1 / Double($0)) }, dense: 10,
      leastSaving: 0.05, cost: { $0.ranks[0] == 6 ? nil : Double($0.ranks[0]) },
      error: { $0.relativeError })
    #expect(layer.candidates.map(\.cost) == [5, 7, 10])
  }
}
