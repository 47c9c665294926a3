import ArgumentParser
import Compress
import ModelGraph
import Reports

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension CompressCommand {
  /// One analysis, many budgets. `--params` counts weights, `--latency` milliseconds, everything else multiplies.
  func printTradeOff(_ fractions: [Double], _ outputs: inout OutputSet) throws {
    let model = try arguments.loadModel(declaringTo: &outputs)
    var options = try options(for: model)
    options.budget = params == nil ? .multiplies(1) : .weights(1)
    let bar = ProgressBar()
    let show: @Sendable (Progress) -> Void = { bar.show($0) }
    let request = try request(options, for: model)
    let candidates: ModelCandidates
    do throws(TimingError) {
      candidates = try PreparedCompression(model, request, progress: show).candidates
    } catch { throw timing.placed(error) }
    bar.finish()
    let tradeOff = candidates.tradeOff(fractions)
    let text = try jsonText(tradeOff)
    if let jsonFile { try outputs.write(Data((text + "\n").utf8), to: jsonFile) }
    try outputs.finish(printing: printsJSON ? text : tradeOff.text(errors: candidates.options.error.title))
  }
}

/// `0.3,0.4,0.5`
struct FractionList: ExpressibleByArgument {
  let values: [Double]

  init?(argument: String) {
    let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? -1 }
    guard values.allSatisfy({ $0 > 0 && $0 <= 1 }) else { return nil }
    self.values = values
  }
}

extension TradeOff {
  /// The curve as a table for people; `errors` says what the sum of the errors is.
  fileprivate func text(errors: String) -> String {
    var table = Table([
      ("fraction", .right), (unit, .right), ("reached", .right), (errors, .right),
      ("at most above the best", .right),
    ])
    for point in points {
      guard let cost = point.cost, let achieved = point.achieved, let error = point.squaredError else {
        table.add([fixed(point.fraction, 3), "out of reach", "", "", ""])
        continue
      }
      table.add([
        fixed(point.fraction, 3), grouped(cost), fixed(achieved, 4), fixed(error, 4),
        "\(fixed(100 * (point.gap ?? 0), 2)) %",
      ])
    }
    return table.text + "\n\n\(grouped(total)) \(unit) as it is"
  }
}
