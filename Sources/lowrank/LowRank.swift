import ArgumentParser

@main
struct LowRank: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lowrank", abstract: "Makes trained convolutional networks smaller and faster.")
}
