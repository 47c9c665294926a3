import ArgumentParser
public import Tune

/// What the programs are made of that the command is built into.
public enum Program {
  /// `lowrank`, with the arguments of the process.
  public static func run() {
    prepare()
    do {
      var command = try LowRankCommand.parseAsRoot()
      try command.run()
    } catch {
      guard LowRankCommand.exitCode(for: error) == .success else { exit(error) }
      do { try printHelp(error) } catch { exit(error) }
    }
  }

  /// What comes first in every program.
  public static func prepare() {
    StandardOutput.prepare()
    // A process is given its own name at least: without it the runtime could not read what this one was given, and does not say so.
    guard CommandLine.argc > 0 else { exit(UnreadableArguments()) }
    BLASKernels.restartIfOutdated()
  }

  /// `lowrank tune`, with the arguments of the process, by several processes that are given the same ones; the first of them
  /// prints, and writes the files.
  ///
  /// Returns nil where all went well, else a code, with which the others are to be ended too: what was wrong has been printed.
  public static func tune(in group: any TuningGroup) -> Int32? {
    let isFirst = group.rank == 0
    do {
      var command = try GroupCommand.parseAsRoot()
      if let tuning = command as? TuneCommand {
        try tuning.run(in: group)
      } else if isFirst {
        try command.run()
      }
    } catch is FailureElsewhere {
    } catch {
      let code = GroupCommand.exitCode(for: error)
      if code == .success {
        guard isFirst else { return nil }
        do { try printHelp(error) } catch { return report(error, group) }
        return nil
      }
      // All of them have the same arguments: one tells what is wrong there.
      if code == .validationFailure, !isFirst { return nil }
      return report(error, group)
    }
    return nil
  }

  /// Prints an error and ends the process.
  public static func exit(_ error: any Error) -> Never { LowRankCommand.exit(withError: error) }

  private static func report(_ error: any Error, _ group: any TuningGroup) -> Int32 {
    let place = group.rank == 0 ? "" : "process \(group.rank) of \(group.count): "
    ErrorOutput.print(place + GroupCommand.fullMessage(for: error))
    return GroupCommand.exitCode(for: error).rawValue
  }

  /// Help and the like go the way of all results, so that they are not lost in silence either.
  private static func printHelp(_ error: any Error) throws {
    let text = LowRankCommand.fullMessage(for: error)
    if !text.isEmpty { try StandardOutput.print(text) }
  }
}

/// `lowrank-mpi`
private struct GroupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lowrank-mpi",
    abstract: "Tunes a network by several processes: mpirun -n 2 lowrank-mpi tune ...",
    discussion: """
      Each process takes its part of every batch, which has --batch images of each of them; their gradients are summed. All \
      have to be given the same arguments and see the same files. The first one prints and writes.
      """,
    version: LowRankVersion.number,
    subcommands: [TuneCommand.self])
}

/// The end of a process because another one has failed, which tells why.
struct FailureElsewhere: Error {}

/// There was no memory for the arguments of the process.
private struct UnreadableArguments: Error, CustomStringConvertible {
  let description = "the arguments cannot be read: there is no memory for them"
}
