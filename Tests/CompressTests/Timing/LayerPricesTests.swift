import Forms
import ModelGraph
import Tensors
import Testing

@testable import Compress

@Suite struct LayerPricesTests {
  private func layer() throws -> (MeasuredLayer, LayerWork) {
    var builder = ModelBuilder()
    builder.addConvolution("conv", Tensor(shape: [64, 48, 3, 3], repeating: 1))
    let work = try LayerWork(try builder.model(), CompressionOptions())
    return (try #require(work.costs[0]), work)
  }

  private func row(_ layer: MeasuredLayer, _ forms: [FactoredForm], ms: (FactoredForm) -> Double) throws
    -> TimeTable.Layer
  {
    TimeTable.Layer(
      name: "conv", kernel: [64, 48, 3, 3], group: 1, input: [12, 12], output: [10, 10], repetitions: 1,
      ms: 8,
      forms: forms.map { TimeTable.Form(form: $0.description, ms: ms($0)) }, slower: [])
  }

  @Test func whatWasTimedIsItsPrice() throws {
    let layer = try layer().0
    let forms = [[8, 8], [8, 40], [40, 8]].map { FactoredForm(.tucker2, ranks: $0) }
    let prices = LayerPrices(try row(layer, forms) { Double($0.ranks[0] + 3 * $0.ranks[1]) }, layer)
    for form in forms { #expect(prices(form) == Double(form.ranks[0] + 3 * form.ranks[1])) }
    #expect(prices(.dense) == 8)
    #expect(prices(FactoredForm(.cp3, ranks: [8])) == nil)
  }

  /// Times that stages with different prices of a multiply and a little for the whole add up to: where they follow the
  /// multiplies, prices do so within a hundredth, far below the ranks that were timed too. 500 sweeps of the descent leave that.
  @Test(arguments: [true, false]) func besideTheRanksTimedPricesAreNear(fine: Bool) throws {
    let layer = try layer().0
    func truth(_ form: FactoredForm) -> Double {
      let (r, s) = (Double(form.ranks[0]), Double(form.ranks[1]))
      return 1e-3 * (48 * s * 1.44 + 0.5 * 9 * r * s + 64 * r) + 0.3
    }
    let grid = TimingGrid(.tucker2, layer, multiple: 1)
    let prices = LayerPrices(
      try row(layer, [grid.probe] + grid.others(fine: fine), ms: truth), layer)
    for ranks in [
      [1, 1], [2, 8], [16, 12], [20, 28], [40, 16], [28, 20], [12, 30], [36, 28], [60, 40],
    ] {
      let form = FactoredForm(.tucker2, ranks: ranks)
      let ms = try #require(prices(form))
      #expect(abs(ms / truth(form) - 1) < 0.01, "\(form): \(ms), in truth \(truth(form))")
    }
  }

  /// Half a vector of channels has a time of its own, as whole ones have.
  @Test func halfAVectorHasItsOwnPrice() throws {
    let layer = try layer().0
    let times = [8: 1.4, 16: 2.3, 24: 3.6, 32: 4.2]
    let prices = LayerPrices(
      try row(layer, times.keys.map { FactoredForm(.channel, ranks: [$0]) }) { times[$0.ranks[0]] ?? 0 },
      layer)
    for (rank, ms) in times { #expect(prices(FactoredForm(.channel, ranks: [rank])) == ms) }
    let between = try #require(prices(FactoredForm(.channel, ranks: [12])))
    #expect(between > 1.4 && between < 2.3)
  }

  @Test func theGridSpreadsAroundAQuarterOfTheWeights() throws {
    let (layer, _) = try layer()
    for kind in FormKind.lowRank where kind.suits(kernel: layer.kernel) {
      let grid = TimingGrid(kind, layer, multiple: 1)
      let part = Double(layer.weights(grid.probe)) / Double(layer.weights(.dense))
      #expect(part > 0.2 && part <= 0.3, "\(grid.probe) has \(part) of the weights")
      let full = kind.fullRanks(kernel: layer.kernel)
      for form in grid.others(fine: false) + grid.others(fine: true) {
        #expect(form != grid.probe && zip(form.ranks, full).allSatisfy { (1...$1).contains($0) }, "\(form)")
      }
    }
  }
}
