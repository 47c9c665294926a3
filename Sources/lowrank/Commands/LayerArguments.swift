import ArgumentParser
import Compress

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Which layers of a model are worked on, and on how many threads.
struct LayerArguments: ParsableArguments {
  @Option(help: "Only layers whose name matches this regular expression.")
  var layers: String?

  @Option(help: "Leave out layers whose name matches this regular expression.")
  var skip: String?

  @Flag(
    inversion: .prefixedNo, help: "Take a convolution together with the BatchNormalization behind it (exact)."
  )
  var foldBatchNorm = true

  @Option(help: "Threads. (default: one for each processor)")
  var threads: Int?

  func validate() throws {
    try requireThreads(threads)
    for (option, text) in [("--layers", layers), ("--skip", skip)] {
      guard let text, (try? Regex(text)) == nil else { continue }
      throw ValidationError("\(option): '\(text)' is not a regular expression.")
    }
  }

  /// The options for the library.
  var options: CompressionOptions {
    var options = CompressionOptions()
    options.layers = layers
    options.skip = skip
    options.foldsBatchNormalization = foldBatchNorm
    options.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    return options
  }
}
