import ArgumentParser
import Compress
import Decompose
import LinearAlgebra
import TensorCore

extension Tucker2Algorithm: ExpressibleByArgument {}

/// `lowrank decompose`
struct DecomposeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decompose", abstract: "Factors one kernel out of a .npy file.")

  @Argument(help: "The kernel, [T, S, ...], output channels first.", completion: .file(extensions: ["npy"]))
  var kernel: String

  @Option(
    name: [.short, .long], help: "The factors to write.", completion: .file(extensions: ["safetensors"]))
  var output: String

  @Option(help: "The form: \(DecomposeMethod.names).")
  var method: DecomposeMethod

  @Option(help: "The ranks in mode order, output channels first, e.g. 64,32.")
  var ranks: RankList

  @Option(help: "How Tucker-2 factors are found: hosvd, st-hosvd or hooi.")
  var algorithm: Tucker2Algorithm = .hooi

  @Option(help: "Threads of the BLAS.") var threads = 1

  @Flag(help: "Print JSON.") var json = false

  /// What is printed; the field names are the JSON's.
  struct Report: Encodable {
    let method: String
    let ranks: [Int]
    let kernelShape: [Int]
    let relativeError: Double
    let errorBound: Double
    let sweeps: Int
    let seconds: Double
  }

  func validate() throws {
    try requireThreads(threads)
    guard ranks.values.count == method.rankCount else {
      throw ValidationError("--method \(method.rawValue) takes \(method.rankCount) ranks in --ranks.")
    }
  }

  func run() throws {
    try AtomicFile.requireWritable(output)
    switch try NPYFile(contentsOf: kernel).tensor {
    case .float(let tensor): try factor(tensor) { .float($0) }
    case .double(let tensor): try factor(tensor) { .double($0) }
    }
  }

  private func factor<Element: LapackScalar>(
    _ tensor: Tensor<Element>, wrap: (Tensor<Element>) -> AnyTensor
  ) throws {
    let clock = ContinuousClock()
    let start = clock.now
    let result: Decomposition<Element>
    do {
      result = try BLASLibrary.withThreads(threads) { () throws(DecomposeError) in
        try method.decompose(tensor, ranks: ranks.values, algorithm: algorithm)
      }
    } catch { throw FileError(path: kernel, reason: error.description) }
    let seconds = (clock.now - start).seconds
    try FactorsFile.file(result.kernel, wrap: wrap).write(to: output)
    let report = Report(
      method: result.kernel.form.method, ranks: result.kernel.form.ranks, kernelShape: tensor.shape.extents,
      relativeError: result.relativeError, errorBound: result.errorBound, sweeps: result.convergence.sweeps,
      seconds: seconds)
    if json { return try printJSON(report) }
    print("\(result.kernel.form) of \(tensor.shape): relative error \(fixed(report.relativeError, 6))")
    print("bound \(fixed(report.errorBound, 6)), \(report.sweeps) sweeps, \(fixed(seconds * 1e3, 1)) ms")
    print("\(output) written")
  }
}
