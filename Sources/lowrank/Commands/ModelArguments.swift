import ArgumentParser
import CAllocator
import Compress
import Dispatch
import ModelGraph
import ONNX

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension CompressionMethod: ExpressibleByArgument {
  /// Reads the word for a method.
  public init?(argument: String) { self.init(argument) }

  /// The words for all methods.
  public static var allValueStrings: [String] { all.map(\.name) }

  /// The word for the method.
  public var defaultValueDescription: String { name }
}

/// What `inspect` and `compress` have in common: which layers, which form, which ranks.
struct ModelArguments: ParsableArguments {
  @Argument(help: "The ONNX model.", completion: .file(extensions: ["onnx"]))
  var model: String

  @Option(
    help:
      "The form that layers are brought into; auto takes the best of all that fit (CP under a budget only)."
  )
  var method = CompressionMethod.auto

  @Option(help: "Ranks that keep this part of each mode's energy, 0 to 1.")
  var energy: Double?

  @Option(help: "The cheapest ranks whose relative error is at most this, 0 to 1. (default: 0.3)")
  var error: Double?

  @Option(name: .customLong("ranks-ratio"), help: "Ranks that are this fraction of the full ones, 0 to 1.")
  var ranksRatio: Double?

  @Option(
    name: .customLong("macs-ratio"), help: "The least error at this fraction of each layer's multiplies.")
  var macsRatio: Double?

  @Option(
    name: .customLong("params-ratio"), help: "The least error at this fraction of each layer's weights.")
  var paramsRatio: Double?

  @Option(
    defaultAsFlag: 1.0,
    help: "Ranks by variational Bayes (EVBMF); a factor under 1 goes that part of the way from the full rank."
  )
  var evbmf: Double?

  @OptionGroup var layerOptions: LayerArguments

  @Option(help: "Round ranks up to a multiple of this.")
  var rankMultiple = CompressionOptions.defaultRankMultiple

  @Option(
    name: .customLong("input-shape"),
    help:
      "The shape of an input that the model leaves open, 1,3,224,224 or NAME=1,3,224,224. May be repeated.")
  var inputShapes: [InputShapeArgument] = []

  func validate() throws {
    guard criteria.count <= 1 else {
      throw ValidationError(
        "Give one of --energy, --error, --ranks-ratio, --macs-ratio, --params-ratio and --evbmf, not several."
      )
    }
    let values = [energy, error, ranksRatio, macsRatio, paramsRatio, evbmf].compactMap { $0 }
    guard values.allSatisfy({ $0 >= 0 && $0 <= 1 }) else {
      throw ValidationError("Energies, errors, ratios and the EVBMF factor lie between 0 and 1.")
    }
    guard rankMultiple >= 1 && rankMultiple <= 1 << 16 else {
      throw ValidationError("--rank-multiple lies between 1 and 65536.")
    }
  }

  /// The model, read for work on one kernel after the other; the files of its external data are inputs too.
  func loadModel(declaringTo outputs: inout OutputSet) throws -> ModelGraph {
    // Kernels are the large blocks; each is used for a moment only.
    allocator_return_blocks(1 << 20)
    let model = try ModelGraph(onnx: model)
    for path in model.externalFiles { try outputs.add(input: path) }
    return model
  }

  /// Whether ranks are asked for layer by layer.
  var hasCriterion: Bool { !criteria.isEmpty }

  private var criteria: [RankCriterion] {
    let all: [RankCriterion?] = [
      energy.map(RankCriterion.energy), error.map(RankCriterion.error),
      ranksRatio.map(RankCriterion.ranksRatio),
      macsRatio.map(RankCriterion.macsRatio), paramsRatio.map(RankCriterion.paramsRatio),
      evbmf.map(RankCriterion.evbmf),
    ]
    return all.compactMap { $0 }
  }

  /// The options for the library.
  ///
  /// **Throws** `FileError` for shapes that are no input's of the model.
  func options(for model: ModelGraph) throws -> CompressionOptions {
    var options = layerOptions.options
    options.method = method
    options.criterion = criteria.first ?? .error(0.3)
    options.rankMultiple = rankMultiple
    options.inputShapes = try InputShapeArgument.named(
      inputShapes, among: model.inputs, of: self.model)
    return options
  }
}

/// Throws for a number of threads that no machine has.
func requireThreads(_ threads: Int?) throws {
  guard threads.map({ (1...1024).contains($0) }) ?? true else {
    throw ValidationError("--threads lies between 1 and 1024.")
  }
}
