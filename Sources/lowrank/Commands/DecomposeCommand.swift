import ArgumentParser
import Decompose
import LinearAlgebra
import Reports
import TensorFiles
import Tensors

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

  @Option(help: DecomposeAlgorithm.help)
  var algorithm: DecomposeAlgorithm?

  @Option(help: "Threads of the BLAS; a decomposition runs on one, so that nothing depends on them.")
  var threads = 1

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
    /// CP only: how stable the terms are; missing where it passes every number.
    let sensitivity: Double?
    let largestComponentNorm: Double?
    /// CP only; missing where terms are dependent.
    let factorCondition: Double?
  }

  func validate() throws {
    try requireThreads(threads)
    _ = try method.resolve(algorithm, ranks: ranks)
  }

  func run() throws {
    var outputs = try OutputSet(reading: [kernel], writing: [.init("-o", output)])
    let text =
      switch try NPYFile(contentsOf: kernel).tensor {
      case .float(let tensor): try factor(tensor, &outputs) { .float($0) }
      case .double(let tensor): try factor(tensor, &outputs) { .double($0) }
      }
    try outputs.finish(printing: text)
  }

  /// Factors a kernel and writes the factors; what is to be printed.
  private func factor<Element: LapackScalar>(
    _ tensor: Tensor<Element>, _ outputs: inout OutputSet, wrap: (Tensor<Element>) -> AnyTensor
  ) throws -> String {
    let clock = ContinuousClock()
    let start = clock.now
    let (form, options) = try method.resolve(algorithm, ranks: ranks)
    let result: Decomposition<Element>
    do {
      result = try BLASLibrary.withThreads(threads) { () throws(DecomposeError) in
        try Decompose.decompose(tensor, into: form, options: options)
      }
    } catch { throw FileError(path: kernel, reason: error.description) }
    let seconds = (clock.now - start).seconds
    try outputs.write(FactorsFile.file(result.kernel, wrap: wrap).data, to: output)
    let certificate = result.certificate
    let report = Report(
      method: result.kernel.form.kind.name, ranks: result.kernel.form.ranks,
      kernelShape: tensor.shape.extents,
      relativeError: result.relativeError, errorBound: result.errorBound, sweeps: result.convergence.sweeps,
      seconds: seconds, sensitivity: certificate.flatMap { $0.sensitivity.isFinite ? $0.sensitivity : nil },
      largestComponentNorm: certificate?.largestComponentNorm,
      factorCondition: certificate.flatMap { $0.factorCondition.isFinite ? $0.factorCondition : nil })
    if json { return try jsonText(report) }
    var lines = [
      "\(result.kernel.form) of \(tensor.shape): relative error \(fixed(report.relativeError, 6))",
      "bound \(fixed(report.errorBound, 6)), \(report.sweeps) sweeps, \(fixed(seconds * 1e3, 1)) ms",
    ]
    if let certificate {
      lines.append(
        "sensitivity "
          + (certificate.sensitivity.isFinite
            ? significant(certificate.sensitivity) : "beyond Double's range")
          + ", largest component "
          + "\(fixed(certificate.largestComponentNorm, 3)) of the kernel's norm, "
          + (certificate.factorCondition.isFinite
            ? "condition \(significant(certificate.factorCondition))" : "dependent components"))
    }
    return (lines + ["\(output) written"]).joined(separator: "\n")
  }
}
