public import ModelGraph

/// Runs networks against the clock: this package's engine, another runtime, or in tests an invented one.
public protocol NetworkTimer: Sendable {
  /// The word for what runs them: `lowrank`.
  var runtime: String { get }
  /// The machine, and whatever else of it times depend on, on one line.
  var machine: String { get }
  /// The threads of a run.
  var threads: Int { get }
  /// The lanes of a vector.
  var lanes: Int { get }
  /// Whether runs tell the times of single nodes.
  var timesNodes: Bool { get }

  /// A network that has run once and can be timed.
  ///
  /// **Throws** where the model does not run.
  func prepare(_ model: ModelGraph) throws(TimingError) -> any TimedNetwork
}

/// A network that runs against the clock.
public protocol TimedNetwork: AnyObject {
  /// Runs once.
  ///
  /// **Throws** where the run fails.
  func run() throws(TimingError) -> NetworkTime
}

/// What a run of a network takes.
public struct NetworkTime: Sendable {
  /// Milliseconds of the whole run.
  public var whole: Double
  /// Milliseconds of nodes, by the name of what ran: that of one node, or of several run as one with ` ... ` between them.
  /// Empty where the timer does not tell.
  public var nodes: [String: Double]
  /// What of these went into bringing maps into another layout.
  public var copies: [String: Double]
  /// What nodes take where none runs as one with others, by which those that do share their time; empty where the timer does not
  /// tell.
  public var apart: [String: Double]

  /// Puts times together.
  public init(
    whole: Double, nodes: [String: Double] = [:], copies: [String: Double] = [:],
    apart: [String: Double] = [:]
  ) {
    (self.whole, self.nodes, self.copies, self.apart) = (whole, nodes, copies, apart)
  }

  /// The lesser of each of two runs' times.
  func least(_ other: NetworkTime) -> NetworkTime {
    NetworkTime(
      whole: min(whole, other.whole), nodes: nodes.merging(other.nodes) { min($0, $1) },
      copies: copies.merging(other.copies) { min($0, $1) }, apart: apart.merging(other.apart) { min($0, $1) })
  }
}

extension NetworkTimer {
  /// The least times of some networks that run in turn, so that whatever else the machine does falls on all of them.
  ///
  /// **Throws** where a run fails.
  func times(
    of networks: [any TimedNetwork], _ effort: TimingEffort
  ) throws(TimingError) -> [NetworkTime] {
    var least: [NetworkTime] = []
    var (rounds, spent) = (0, 0.0)
    repeat {
      var times: [NetworkTime] = []
      for network in networks { times.append(try network.run()) }
      least = least.isEmpty ? times : zip(least, times).map { $0.least($1) }
      rounds += 1
      spent += times.reduce(0) { $0 + $1.whole } / 1e3 / Double(max(1, networks.count))
    } while !effort.isEnough(rounds: rounds, seconds: spent)
    return least
  }
}
