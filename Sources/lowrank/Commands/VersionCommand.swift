import ArgumentParser
import LinearAlgebra
import Reports

/// `lowrank version`
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Prints the version, the BLAS in use and the instruction sets.")

  @Flag(help: "Print JSON.") var json = false

  /// What is printed; the field names are the JSON's.
  struct Report: Encodable {
    let version: String
    let blas: String
    let blasCore: String
    let blasThreads: Int
    let architecture: String
    let instructionSets: [String]
  }

  func run() throws {
    let report = Report(
      version: LowRankVersion.number, blas: BLASLibrary.configuration, blasCore: BLASLibrary.core,
      blasThreads: BLASLibrary.threadCount, architecture: Processor.architecture,
      instructionSets: Processor.instructionSets)
    if json { return try StandardOutput.print(try jsonText(report)) }
    let sets = report.instructionSets.joined(separator: " ")
    try StandardOutput.print(
      """
      lowrank \(report.version)
      BLAS: \(report.blas)
      BLAS kernels: \(report.blasCore), up to \(report.blasThreads) threads
      Processor: \(report.architecture)\(sets.isEmpty ? "" : ", \(sets)")
      """)
  }
}
