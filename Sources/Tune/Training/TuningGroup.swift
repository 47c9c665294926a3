/// Processes that tune one network together: each takes its part of every batch, and sums go over all of them.
///
/// All of them are given the same networks, images and options; a batch then has `count` times as many images as the options say.
public protocol TuningGroup: Sendable {
  /// The place of this process, from 0 on.
  var rank: Int { get }

  /// The number of processes.
  var count: Int { get }

  /// Sums each number over all processes: to the same bits in every one of them.
  ///
  /// **Throws** `TuneError.group` where one of them is gone.
  func sum(_ values: inout [Double]) throws(TuneError)

  /// Sums each number over all processes: to the same bits in every one of them.
  ///
  /// **Throws** `TuneError.group` where one of them is gone.
  func sum(_ values: inout [Float]) throws(TuneError)
}

extension TuningGroup {
  /// One number summed over all processes.
  func sum(of value: Double) throws(TuneError) -> Double {
    var values = [value]
    try sum(&values)
    return values[0]
  }

  /// Whether some bits are the same in all processes.
  ///
  /// In pieces x of 16 bits, whose sums and sums of squares are exact: `count * sum(x^2) = sum(x)^2` where all are equal, and
  /// nowhere else (Cauchy and Schwarz).
  func agree(on bits: UInt64) throws(TuneError) -> Bool {
    let pieces = (0..<4).map { Double(bits >> (16 * UInt64($0)) & 0xFFFF) }
    var sums = pieces + pieces.map { $0 * $0 }
    try sum(&sums)
    return (0..<4).allSatisfy { Double(count) * sums[4 + $0] == sums[$0] * sums[$0] }
  }
}

extension TuningTask {
  /// Sees to it that all processes stand at the same step with the same weights.
  ///
  /// **Throws** `TuneError.group` where they do not: with other files or options, a checkpoint that not all of them see, or
  /// processors or builds that round differently.
  func requireAgreement(_ state: TuningState) throws(TuneError) {
    guard let group = options.group else { return }
    var hash = BitHash()
    hash.add("\(fingerprint) \(state.step) \(state.steps) \(state.blockSteps) \(state.bestLoss.bitPattern)")
    for parameter in graph.parameters { if let weight = state.weights[parameter.name] { hash.add(weight) } }
    guard try group.agree(on: hash.value) else {
      throw .group(
        reason:
          "the processes differ at step \(state.step): give all of them the same networks, images, options and checkpoint,"
          + " and one build on processors of one kind")
    }
  }
}
