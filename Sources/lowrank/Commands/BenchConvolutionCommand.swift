import ArgumentParser
import Conv
import Forms
import Reports
import Tensors

/// The words of `--winograd`.
enum WinogradChoice: String, CaseIterable, ExpressibleByArgument {
  case automatic
  case off

  var option: ConvolutionOptions.Winograd { self == .off ? .off : .automatic }
}

extension FactoredForm: ExpressibleByArgument {
  /// Reads a form as `description` writes it.
  public init?(argument: String) { self.init(argument) }
}

/// `lowrank bench conv`
struct BenchConvolutionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conv", abstract: "Times one convolution, dense or factored, and checks its answer.")

  @Option(
    help: "Input channels, output channels, kernel, height, width, stride, padding: 64,128,3,56,56,1,1.")
  var layer: LayerNumbers

  @Option(help: "The form: dense, tucker2:R1,R2, cp3:R, cp4:R, spatial:R, channel:R or svd:R.")
  var form: FactoredForm

  @Option(help: "Threads to share a run; what is printed is how many did.") var threads = 1

  @Option(help: "Timed runs.") var reps = 30

  @Option(help: "Winograd forms: automatic or off.") var winograd = WinogradChoice.automatic

  @Flag(help: "Print what the plan chose and why.") var explain = false

  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    try requireThreads(threads)
    guard (1...1_000_000).contains(reps) else { throw ValidationError("--reps lies between 1 and 1000000.") }
    guard form.fits(kernel: layer.kernelShape) else {
      throw ValidationError("A kernel of \(layer.kernelShape) has no \(form.kind) form.")
    }
    guard form.ranks.allSatisfy({ $0 <= 1 << 16 }) else { throw ValidationError("The ranks are too large.") }
    do { _ = try layer.geometry() } catch { throw ValidationError("--layer: \(error)") }
  }

  func run() throws {
    let report = ConvolutionBenchmark.run(
      try layer.geometry(), form: form, threads: threads, repetitions: reps,
      options: ConvolutionOptions(winograd: winograd.option), explaining: explain)
    if json { return try StandardOutput.print(try jsonText(report)) }
    var lines = [
      "\(form) of \(layer.kernelShape): median \(fixed(report.medianMs, 3)) ms, least \(fixed(report.minMs, 3)) ms",
      "\(grouped(report.macs)) multiplies, \(fixed(report.gflops, 1)) GFLOP/s, \(report.threads) thread(s)",
      "largest difference from the reference \(report.maxAbsDiff), workspace \(grouped(report.workspaceBytes)) bytes",
    ]
    if let explanation = report.explanation { lines.append(explanation) }
    try StandardOutput.print(lines.joined(separator: "\n"))
  }
}

/// `S,T,D,H,W,STRIDE,PAD`
struct LayerNumbers: ExpressibleByArgument {
  private let numbers: [Int]

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
    guard numbers.count == 7, numbers.allSatisfy({ (0...1 << 20).contains($0) }) else { return nil }
    guard numbers.dropLast().allSatisfy({ $0 > 0 }) else { return nil }
    // A layer of more than 2^31 numbers is no benchmark of anything.
    let kernel = Shape(checking: [numbers[0], numbers[1], numbers[2], numbers[2]])
    let maps = Shape(checking: [
      max(numbers[0], numbers[1]), numbers[3] + 2 * numbers[6], numbers[4] + 2 * numbers[6],
    ])
    guard let kernel, kernel.count <= 1 << 31, let maps, maps.count <= 1 << 31 else { return nil }
    self.numbers = numbers
  }

  var kernelShape: Shape { [numbers[1], numbers[0], numbers[2], numbers[2]] }

  func geometry() throws(ConvError) -> ConvolutionGeometry {
    let padding = [numbers[6], numbers[6]]
    return try ConvolutionGeometry(
      kernelShape: kernelShape, inputExtents: [numbers[3], numbers[4]], stride: [numbers[5], numbers[5]],
      paddingBefore: padding, paddingAfter: padding)
  }
}
