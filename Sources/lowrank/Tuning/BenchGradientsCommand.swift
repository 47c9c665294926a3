import ArgumentParser
import Conv
import Gradients
import Reports

/// `lowrank bench gradients`
struct BenchGradientsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradients",
    abstract: "Times one convolution as tuning runs it: forward and backward, on one thread.")

  @Option(
    help: "Input channels, output channels, kernel, height, width, stride, padding: 64,128,3,56,56,1,1.")
  var layer: LayerNumbers

  @Option(help: "Timed runs.") var reps = 10

  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    guard (1...1_000_000).contains(reps) else { throw ValidationError("--reps lies between 1 and 1000000.") }
    do { _ = try layer.geometry() } catch { throw ValidationError("--layer: \(error)") }
  }

  func run() throws {
    let report = Report(try ConvolutionTimes(layer.geometry(), runs: reps))
    if json { return try StandardOutput.print(try jsonText(report)) }
    try StandardOutput.print(
      "forward \(fixed(report.forwardMs, 3)) ms, gradient of the input \(fixed(report.inputMs, 3)) ms, of the kernel"
        + " \(fixed(report.kernelMs, 3)) ms: backward at \(fixed(report.rate, 2)) of the forward rate")
  }

  /// The times; the field names are the JSON's.
  private struct Report: Encodable {
    let forwardMs: Double
    let inputMs: Double
    let kernelMs: Double
    let rate: Double

    init(_ times: ConvolutionTimes) {
      (forwardMs, inputMs) = (1000 * times.forward, 1000 * times.inputGradient)
      (kernelMs, rate) = (1000 * times.kernelGradient, times.rate)
    }
  }
}
