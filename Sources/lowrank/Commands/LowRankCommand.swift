import ArgumentParser

/// The `lowrank` command: subcommands parse arguments and print, the libraries do the work.
@main
struct LowRankCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lowrank",
    abstract: "Makes trained convolutional networks smaller and faster by low-rank factoring.",
    version: LowRankVersion.number,
    subcommands: [
      InspectCommand.self, CompressCommand.self, DecomposeCommand.self, ReconstructCommand.self,
      BenchCommand.self, SelfTestCommand.self,
      VersionCommand.self,
    ])
}

/// The version of the package.
enum LowRankVersion {
  static let number = "0.1.0"
}
