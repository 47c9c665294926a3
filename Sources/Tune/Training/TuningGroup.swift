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
}
