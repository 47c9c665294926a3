import ArgumentParser

/// The `lowrank` command: subcommands parse arguments and print, the libraries do the work.
struct LowRankCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lowrank",
    abstract: "Makes trained convolutional networks smaller and faster by low-rank factoring.",
    version: LowRankVersion.number,
    subcommands: [
      InspectCommand.self, CompressCommand.self, MomentsCommand.self, ProfileCommand.self,
      DecomposeCommand.self, ReconstructCommand.self, RunCommand.self, BenchCommand.self,
      EvaluateCommand.self, TuneCommand.self,
      SelfTestCommand.self,
      VersionCommand.self,
    ])

  /// What stands where no subcommand is named: the three that most people need.
  static let overview = """
    Makes trained convolutional networks smaller and faster by low-rank factoring.

      lowrank inspect model.onnx                              what each layer costs
      lowrank compress model.onnx --macs 0.5 -o small.onnx    half the multiplies
      lowrank bench model small.onnx                          how fast it runs here

    lowrank --help lists all commands, and lowrank compress --help the options of one.
    """

  /// Without a subcommand.
  func run() throws { try StandardOutput.print(Self.overview) }
}

/// The version of the package.
enum LowRankVersion {
  static let number = "0.1.0"
}
