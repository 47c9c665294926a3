import ArgumentParser
import Decompose
import LinearAlgebra
import Reports
import TensorFiles
import Tensors

/// `lowrank bench decompose`
struct BenchDecomposeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decompose", abstract: "Times the factoring of one kernel.")

  @Argument(help: "The kernel, [T, S, ...], output channels first.", completion: .file(extensions: ["npy"]))
  var kernel: String

  @Option(help: "The form: \(DecomposeMethod.names).")
  var method: DecomposeMethod

  @Option(help: "The ranks in mode order, output channels first, e.g. 64,32.")
  var ranks: RankList

  @Option(help: DecomposeAlgorithm.help)
  var algorithm: DecomposeAlgorithm?

  @Option(help: "Threads of the BLAS; a decomposition runs on one, so that nothing depends on them.")
  var threads = 1

  @Option(help: "Timed runs; the shortest counts.") var reps = 3

  @Flag(help: "Print JSON.") var json = false

  /// What is printed; the field names are the JSON's.
  struct Report: Encodable {
    let method: String
    let ranks: [Int]
    let seconds: Double
    let relativeError: Double
    let sweeps: Int
    let threads: Int
  }

  func validate() throws {
    try requireThreads(threads)
    guard (1...1_000_000).contains(reps) else { throw ValidationError("--reps lies between 1 and 1000000.") }
    _ = try method.resolve(algorithm, ranks: ranks)
  }

  func run() throws {
    var outputs = try OutputSet(reading: [kernel])
    let report: Report
    switch try NPYFile(contentsOf: kernel).tensor {
    case .float(let tensor): report = try time(tensor)
    case .double(let tensor): report = try time(tensor)
    }
    try outputs.finish(printing: json ? try jsonText(report) : text(report))
  }

  private func text(_ report: Report) -> String {
    "\(report.method) \(report.ranks): \(fixed(report.seconds * 1e3, 2)) ms at best, error \(report.relativeError)"
  }

  private func time<Element: LapackScalar>(_ tensor: Tensor<Element>) throws -> Report {
    let clock = ContinuousClock()
    let (form, options) = try method.resolve(algorithm, ranks: ranks)
    var best = Double.infinity
    var result: Decomposition<Element>?
    for _ in 0..<reps {
      let start = clock.now
      do {
        result = try BLASLibrary.withThreads(threads) { () throws(DecomposeError) in
          try Decompose.decompose(tensor, into: form, options: options)
        }
      } catch { throw FileError(path: kernel, reason: error.description) }
      best = min(best, (clock.now - start).seconds)
    }
    return Report(
      method: method.kind.name, ranks: ranks.values, seconds: best,
      relativeError: result?.relativeError ?? .infinity,
      sweeps: result?.convergence.sweeps ?? 0, threads: threads)
  }
}
