import ArgumentParser
import Compress
import Dispatch

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension CompressionMethod: ExpressibleByArgument {}

/// What `inspect` and `compress` have in common: which layers, which form, which ranks.
struct ModelArguments: ParsableArguments {
  @Argument(help: "The ONNX model.", completion: .file(extensions: ["onnx"]))
  var model: String

  @Option(
    help:
      "The form that layers are brought into; auto takes Tucker-2 for kernels with spatial extents and two matrices for the rest."
  )
  var method = CompressionMethod.auto

  @Option(help: "Ranks that keep this part of each mode's energy, 0 to 1.")
  var energy: Double?

  @Option(help: "The cheapest ranks whose relative error is at most this, 0 to 1. (default: 0.3)")
  var error: Double?

  @Option(name: .customLong("ranks-ratio"), help: "Ranks that are this fraction of the full ones, 0 to 1.")
  var ranksRatio: Double?

  @Option(help: "Only layers whose name matches this regular expression.")
  var layers: String?

  @Option(help: "Leave out layers whose name matches this regular expression.")
  var skip: String?

  @Option(help: "Round ranks up to a multiple of this.")
  var rankMultiple = CompressionOptions.defaultRankMultiple

  @Option(
    name: .customLong("input-shape"),
    help: "The shape of an input that the model leaves open, e.g. image=1,3,224,224; may be repeated.")
  var inputShapes: [InputShape] = []

  @Flag(inversion: .prefixedNo, help: "Fold a BatchNormalization into the factored layer before it (exact).")
  var foldBatchNorm = true

  @Option(help: "Threads. (default: one for each processor)")
  var threads: Int?

  func validate() throws {
    let criteria = [energy, error, ranksRatio].compactMap { $0 }
    guard criteria.count <= 1 else {
      throw ValidationError("Give one of --energy, --error and --ranks-ratio, not several.")
    }
    guard criteria.allSatisfy({ $0 >= 0 && $0 <= 1 }) else {
      throw ValidationError("--energy, --error and --ranks-ratio lie between 0 and 1.")
    }
    guard rankMultiple >= 1 && rankMultiple <= 1 << 16 else {
      throw ValidationError("--rank-multiple lies between 1 and 65536.")
    }
    try requireThreads(threads)
    guard Set(inputShapes.map(\.name)).count == inputShapes.count else {
      throw ValidationError("--input-shape is given twice for one input.")
    }
    for (option, text) in [("--layers", layers), ("--skip", skip)] {
      guard let text, (try? Regex(text)) == nil else { continue }
      throw ValidationError("\(option): '\(text)' is not a regular expression.")
    }
  }

  /// Whether ranks are asked for layer by layer.
  var hasCriterion: Bool { energy != nil || error != nil || ranksRatio != nil }

  /// The options for the library.
  var options: CompressionOptions {
    var options = CompressionOptions()
    options.method = method
    options.criterion =
      energy.map(RankCriterion.energy) ?? ranksRatio.map(RankCriterion.ranksRatio) ?? .error(error ?? 0.3)
    options.rankMultiple = rankMultiple
    options.layers = layers
    options.skip = skip
    options.foldsBatchNormalization = foldBatchNorm
    options.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    options.inputShapes = Dictionary(uniqueKeysWithValues: inputShapes.map { ($0.name, $0.extents) })
    return options
  }
}

/// `NAME=1,3,224,224`
struct InputShape: ExpressibleByArgument {
  let name: String
  let extents: [Int]

  init?(argument: String) {
    // Names may hold an equals sign; extents do not.
    guard let split = argument.lastIndex(of: "="), split > argument.startIndex else { return nil }
    name = String(argument[..<split])
    let extents = argument[argument.index(after: split)...].split(
      separator: ",", omittingEmptySubsequences: false
    )
    .map { Int($0) ?? 0 }
    guard extents.allSatisfy({ $0 > 0 && $0 < 1 << 31 }) else { return nil }
    self.extents = extents
  }
}

/// Throws for a number of threads that no machine has.
func requireThreads(_ threads: Int?) throws {
  guard threads.map({ (1...1024).contains($0) }) ?? true else {
    throw ValidationError("--threads lies between 1 and 1024.")
  }
}
