import Forms
import Foundation
import ModelGraph
import Tensors
import TestSupport
import Testing

@testable import Compress

@Suite struct TimeTableTests {
  private func model(_ channels: Int = 16, name: String = "conv") throws -> ModelGraph {
    var builder = ModelBuilder()
    var generator = SeededGenerator(seed: 3)
    builder.addConvolution(name, .decayingKernel([channels, 24, 3, 3], using: &generator))
    return try builder.model()
  }

  private func table(of model: ModelGraph) throws -> TimeTable {
    try LatencyCompression(
      model, CompressionOptions(), .fraction(1),
      .timer(InventedTimer(cost: InventedTimer.usual), cache: TimesCache(path: nil))
    ).table
  }

  private func refusal(_ table: TimeTable, of model: ModelGraph) -> String? {
    do throws(TimingError) {
      _ = try LatencyCompression(model, CompressionOptions(), .fraction(0.9), .table(table))
      return nil
    } catch { return error.description }
  }

  @Test func aTableSurvivesItsFile() throws {
    let table = try table(of: model())
    let read = try JSONDecoder().decode(TimeTable.self, from: JSONEncoder().encode(table))
    #expect(read == table)
    #expect(!table.layers[0].forms.isEmpty && table.restMs > 0)
    #expect(refusal(read, of: try model()) == nil)
  }

  /// A form with more weights and more multiplies than the layer has costs at least what the layer does, whatever the
  /// clock said of it.
  @Test func moreOfEverythingIsNoFaster() throws {
    let model = try model()
    var table = try table(of: model)
    let (less, more) = (FactoredForm(.channel, ranks: [8]), FactoredForm(.channel, ranks: [16]))
    table.layers[0].forms = [less, more].map {
      TimeTable.Form(form: $0.description, ms: table.layers[0].ms / 4)
    }
    let work = try LayerWork(model, CompressionOptions())
    let (measure, layer) = (try LatencyMeasure(table, work), try #require(work.costs[0]))
    let dense = try #require(measure.cost(of: layer, in: .dense))
    #expect(try #require(measure.cost(of: layer, in: less)) < dense)
    #expect(try #require(measure.cost(of: layer, in: more)) >= dense)
  }

  @Test func aTableOfAnotherModelIsRefused() throws {
    let table = try table(of: model())
    for other in [try model(24), try model(name: "other")] {
      #expect(refusal(table, of: other)?.contains("'conv'") == true)
    }
    var two = ModelBuilder()
    for name in ["conv", "more"] { two.addConvolution(name, Tensor(shape: [16, 24, 3, 3], repeating: 1)) }
    #expect(refusal(table, of: try two.model())?.contains("1 layers, the model has 2") == true)
  }

  @Test func timesThatAreNoneAreRefused() throws {
    let (model, table) = (try model(), try table(of: model()))
    for change: (inout TimeTable) -> Void in [
      { $0.networkMs = 0 }, { $0.networkMs = .nan }, { $0.threads = 0 }, { $0.lanes = 0 },
      { $0.layers[0].ms = -1 }, { $0.layers[0].forms[0].ms = .infinity },
      { $0.layers[0].forms[0].form = "tucker2:0,1" }, { $0.layers[0].forms[0].form = "none" },
    ] {
      var changed = table
      change(&changed)
      #expect(refusal(changed, of: model) != nil)
    }
  }
}
