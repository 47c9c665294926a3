import ModelGraph
import Tensors
import TestSupport
import Testing

@testable import Compress

/// What `auto` makes of weights where a clock says that a format is slow.
@Suite struct SlowFormatsTests {
  /// Runs whose convolutions take their multiplies, times a factor for weights behind a node of a type.
  private struct Timer: NetworkTimer {
    let runtime = "invented"
    let machine = "none"
    let threads = 1
    let lanes = 1
    let timesNodes: Bool
    /// By the operator that makes the weights of a convolution, and the name of that.
    let factor: @Sendable (_ widener: String, _ node: String) -> Double

    func prepare(_ model: ModelGraph) throws(TimingError) -> any TimedNetwork {
      var nodes: [String: Double] = [:]
      for node in model.main.nodes where node.opType == "Conv" {
        let maker = model.main.nodes.first { $0.outputs.contains(node.inputs[1]) }
        let weights = model.main.constants[maker?.inputs[0] ?? node.inputs[1]]?.shape?.count ?? 0
        nodes[node.name] = Double(weights) * factor(maker?.opType ?? "", node.name)
      }
      let whole = nodes.values.sorted().reduce(0, +)
      return Fixed(NetworkTime(whole: whole, nodes: timesNodes ? nodes : [:]))
    }

    private final class Fixed: TimedNetwork {
      let time: NetworkTime
      init(_ time: NetworkTime) { self.time = time }
      func run() -> NetworkTime { time }
    }
  }

  /// The storage of each layer of a network of two that is brought to nine tenths of its time by errors that integers add
  /// nothing to speak of to.
  private func storages(_ weights: WeightStorage, _ timer: Timer) throws -> [String?] {
    var builder = ModelBuilder()
    var generator = SeededGenerator(seed: 3)
    builder.addConvolution("first", .random([32, 32, 3, 3], using: &generator))
    builder.addConvolution("second", .random([32, 32, 3, 3], using: &generator))
    var model = try builder.model()
    var options = CompressionOptions()
    (options.weights, options.method, options.rankMultiple) = (weights, .only(.tucker2), 1)
    var latency = try LatencyCompression(
      model, options, .fraction(0.6), .timer(timer, cache: TimesCache(path: nil)))
    var candidates = try ModelCandidates(model, latency.options)
    return try latency.compress(&model, &candidates).layers.map(\.storage)
  }

  @Test func integersThatAreNoSlowerAreTaken() throws {
    #expect(try storages(.auto, Timer(timesNodes: true) { _, _ in 1 }) == ["int8", "int8"])
    #expect(try storages(.auto, Timer(timesNodes: false) { _, _ in 1 }) == ["int8", "int8"])
  }

  @Test func aLayerWhoseIntegersAreSlowHasHalves() throws {
    let timer = Timer(timesNodes: true) { widener, node in
      widener == "DequantizeLinear" && node.hasSuffix("#1") ? 1.05 : 1
    }
    #expect(try storages(.auto, timer) == ["int8", "float16"])
    // Who asks for integers gets them.
    #expect(try storages(.int8, timer) == ["int8", "int8"])
  }

  @Test func aLayerWhoseHalvesAreSlowTooStaysAsItIs() throws {
    let timer = Timer(timesNodes: true) { widener, node in widener != "" && node.hasSuffix("#0") ? 1.05 : 1 }
    #expect(try storages(.auto, timer) == ["float32", "int8"])
  }

  @Test func whereOnlyTheWholeIsTimedAllLayersGoByIt() throws {
    let timer = Timer(timesNodes: false) { widener, _ in widener == "DequantizeLinear" ? 1.05 : 1 }
    #expect(try storages(.auto, timer) == ["float16", "float16"])
  }

  @Test func whatNoClockTellsFromNothingIsNotSlow() throws {
    let timer = Timer(timesNodes: true) { widener, _ in widener == "" ? 1 : 1.02 }
    #expect(try storages(.auto, timer) == ["int8", "int8"])
  }
}
