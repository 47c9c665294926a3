import ArgumentParser

/// `lowrank bench`
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Times the engine on this machine.",
    subcommands: [
      BenchModelCommand.self, BenchConvolutionCommand.self, BenchGradientsCommand.self,
      BenchDecomposeCommand.self,
    ])
}
