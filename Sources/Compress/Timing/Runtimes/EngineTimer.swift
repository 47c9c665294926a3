import Conv
public import ModelGraph
import Network
import Tensors

/// Times networks in this package's own engine, step by step.
public struct EngineTimer: NetworkTimer {
  /// `lowrank`.
  public let runtime = "lowrank"
  /// True.
  public let timesNodes = true
  private let options: NetworkOptions
  private let inputShapes: [String: [Int]]

  /// A timer of runs on `threads` threads, of inputs as `inputShapes` say where the model does not.
  public init(threads: Int, inputShapes: [String: [Int]] = [:]) {
    options = NetworkOptions(threads: threads)
    self.inputShapes = inputShapes
  }

  /// The processor and the instruction set.
  public var machine: String { "\(TuningCache.processor), \(KernelVariant.best)" }
  /// The threads of a run.
  public var threads: Int { options.threads }
  /// The floats of a vector.
  public var lanes: Int { KernelVariant.best.lanes }

  /// The network, its weights packed; where it runs layers as one, beside it one that does not.
  public func prepare(_ model: ModelGraph) throws(TimingError) -> any TimedNetwork {
    let inputs = try TimingInputs(model, shapes: inputShapes).tensors
    func prepared(_ options: NetworkOptions) throws(TimingError) -> PreparedRun {
      do throws(NetworkError) {
        return try Network(model, options: options).makeSession().prepare(inputs)
      } catch { throw .network(error) }
    }
    let network = try prepared(options)
    guard network.steps.contains(where: { $0.node.contains(" ... ") }) else { return EngineNetwork(network) }
    var single = options
    single.disabledPasses.insert(.chains)
    return EngineNetwork(network, apart: try prepared(single))
  }
}

/// A network in this package's engine.
private final class EngineNetwork: TimedNetwork {
  private let network: PreparedRun
  private let steps: [StepDescription]
  /// The same without chains, and what its nodes took.
  private let apart: EngineNetwork?
  private var apartTimes: [String: Double] = [:]
  private var apartRuns = 0

  /// Runs without chains: shares of chains need no more.
  private static let mostApart = 2

  init(_ network: PreparedRun, apart: PreparedRun? = nil) {
    self.network = network
    steps = network.steps
    self.apart = apart.map { EngineNetwork($0) }
  }

  /// Looking at the clock between the steps takes some 30 ns each.
  func run() throws(TimingError) -> NetworkTime {
    let clock = ContinuousClock()
    let start = clock.now
    var last = start
    var ends: [ContinuousClock.Instant] = []
    ends.reserveCapacity(steps.count)
    do throws(NetworkError) { try network.execute { _ in ends.append(clock.now) } } catch {
      throw .network(error)
    }
    var (nodes, copies) = ([String: Double](), [String: Double]())
    for (step, end) in zip(steps, ends) {
      let ms = (end - last).milliseconds
      nodes[step.node, default: 0] += ms
      if step.multiplies == 0 { copies[step.node, default: 0] += ms }
      last = end
    }
    if let apart, apartRuns < Self.mostApart {
      apartTimes =
        try apartTimes.isEmpty
        ? apart.run().nodes : apartTimes.merging(apart.run().nodes) { min($0, $1) }
      apartRuns += 1
    }
    return NetworkTime(whole: (last - start).milliseconds, nodes: nodes, copies: copies, apart: apartTimes)
  }
}

extension Duration {
  /// Milliseconds, with their fractions.
  var milliseconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
  }
}
