import Network
import Reports

/// A network timed: steady runs in one session's memory.
struct NetworkBenchmark {
  /// The shortest time of a run, in milliseconds.
  let minMs: Double
  /// The median time of a run, in milliseconds.
  let medianMs: Double
  /// The bytes of the memory that values share.
  let arenaBytes: Int
  /// What a run does.
  let descriptions: [StepDescription]
  /// The times of steps, where they were asked for.
  let steps: StepTimes?

  /// The runs that are not counted, besides the one that plans.
  private static var warmUps: Int { 2 }
  /// The runs that are counted at least, and the seconds that are filled with them where no number is given.
  private static var leastRuns: Int { 5 }
  private static var seconds: Double { 1 }

  /// Times a network on inputs; layers in runs of their own, so that looking at the clock slows no run that counts.
  init(
    _ network: Network, _ inputs: [String: NetworkTensor], repetitions: Int?, timesLayers: Bool
  ) throws(NetworkError) {
    let run = try network.makeSession().prepare(inputs)
    for _ in 0..<Self.warmUps { try run.execute() }
    let clock = ContinuousClock()
    var times: [Double] = []
    try Self.rounds(repetitions) { () throws(NetworkError) in
      let start = clock.now
      try run.execute()
      times.append((clock.now - start).seconds)
    }
    times.sort()
    (minMs, medianMs) = (times[0] * 1e3, times[times.count / 2] * 1e3)
    arenaBytes = run.arenaByteCount
    descriptions = run.steps
    guard timesLayers else {
      steps = nil
      return
    }
    var steps = StepTimes(run.steps)
    try Self.rounds(repetitions) { () throws(NetworkError) in try steps.measure(run) }
    self.steps = steps
  }

  private static func rounds(_ count: Int?, _ body: () throws(NetworkError) -> Void) throws(NetworkError) {
    let clock = ContinuousClock()
    let start = clock.now
    var done = 0
    func isEnough() -> Bool {
      if let count { return done >= count }
      return done >= leastRuns && (clock.now - start).seconds >= seconds
    }
    repeat {
      try body()
      done += 1
    } while !isEnough()
  }
}
