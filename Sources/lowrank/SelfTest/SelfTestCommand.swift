import ArgumentParser
import Compress
import LinearAlgebra
import Reports

/// `lowrank selftest`
struct SelfTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selftest",
    abstract: "Checks BLAS, LAPACK and every convolution kernel of this machine against plain loops.")

  @Flag(help: "Print JSON.") var json = false

  /// What is printed; the field names are the JSON's.
  struct Report: Encodable {
    let blas: String
    let blasCore: String
    let checks: [SelfCheck]
    let failures: Int
    let seconds: Double
  }

  func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    let checks =
      LinearAlgebraChecks<Float>().run() + LinearAlgebraChecks<Double>().run() + (try ConvolutionChecks.run())
    let failures = checks.filter { !$0.passed }
    let report = Report(
      blas: BLASLibrary.configuration, blasCore: BLASLibrary.core, checks: checks, failures: failures.count,
      seconds: (clock.now - start).seconds)
    try StandardOutput.print(json ? try jsonText(report) : report.text)
    guard failures.isEmpty else { throw ExitCode(1) }
  }
}

extension SelfTestCommand.Report {
  /// The report as lines for people.
  fileprivate var text: String {
    let wrong = checks.filter { !$0.passed }.map { check in
      "WRONG: \(check.name), \(check.error) times what rounding may do; to blame: \(check.library)"
    }
    let lines = [
      "\(checks.count - failures) of \(checks.count) checks right in \(fixed(seconds, 2)) s",
      "BLAS: \(blas), \(blasCore) kernels",
    ]
    return (wrong + lines).joined(separator: "\n")
  }
}
