import Forms
import ModelGraph
import Tensors
import Testing

@testable import Compress

/// What ran as one shares its time by the multiplies that each stage really has.
@Suite struct LayerVariantsTests {
  private func work() throws -> (LayerWork, LayerVariants) {
    var builder = ModelBuilder()
    for place in 0..<2 {
      builder.addConvolution("conv\(place)", Tensor(shape: [12, 12, 5, 5], repeating: 1))
    }
    let model = try builder.model()
    let work = try LayerWork(model, CompressionOptions())
    return (work, try LayerVariants(model, work, CompressionOptions()))
  }

  /// Kernels of 5x5 without padding shrink the maps, each stage in its own axes: a chain of all stages of both layers at one
  /// price of a multiply gives each layer what it would take alone.
  @Test(arguments: ["spatial:4", "spatial-mirrored:4", "tucker2:4,8", "channel:4", "cp4:8"])
  func aChainIsSharedByMultiplies(name: String) throws {
    let (work, variants) = try work()
    let (form, other) = (try #require(FactoredForm(name)), try #require(FactoredForm("tucker2:8,4")))
    let costs = try work.costs.map { try #require($0) }
    let multiplies = [
      Double(try #require(costs[0].multiplies(form))), Double(try #require(costs[1].multiplies(other))),
    ]
    let model = variants.model(with: [0: form, 1: other])
    let chain = model.main.nodes.filter { $0.opType == "Conv" }.map(\.name).joined(separator: " ... ")
    let whole = multiplies.reduce(0, +)
    let times = variants.layerTimes(
      NetworkTime(whole: whole, nodes: [chain: whole]), with: [0: form, 1: other])
    // Sums of a few products of whole numbers, and a quotient.
    for (found, expected) in zip(times, multiplies) { #expect(abs(found / expected - 1) < 1e-12) }
  }

  /// What stages take apart comes before their multiplies: at another price each, and half as much in the chain.
  @Test func aChainIsSharedByTimesApart() throws {
    let variants = try work().1
    let form = try #require(FactoredForm("channel:4"))
    let names = variants.model(with: [0: form]).main.nodes.filter { $0.opType == "Conv" }.map(\.name)
    let apart = Dictionary(uniqueKeysWithValues: zip(names, [6.0, 2, 8]))
    let chain = names.joined(separator: " ... ")
    let time = NetworkTime(whole: 8, nodes: [chain: 8], apart: apart)
    #expect(variants.layerTimes(time, with: [0: form]) == [4, 4])
  }
}
