import Tensors

/// The smallest number of leading energies that sum to at least a fraction of all; 1 at least, where there are any.
///
/// **Traps** where `fraction` is not in 0...1.
public func rank(retaining fraction: Double, of energies: [Double]) -> Int {
  precondition(fraction >= 0 && fraction <= 1, "a retained energy of \(fraction)")
  let total = energies.reduce(0, +)
  var sum = 0.0
  for (index, energy) in energies.enumerated() {
    sum += energy
    // The last ulps of the sum are rounding: 1.0 must not need more than what holds energy at all.
    if sum >= fraction * total * (1 - 4 * Double.ulpOfOne) { return index + 1 }
  }
  return energies.count
}

/// A rank rounded up to a multiple that suits the GEMM, but not beyond the extent.
public func roundedRank(_ rank: Int, multiple: Int, extent: Int) -> Int {
  min(extent, (rank + multiple - 1) / multiple * multiple)
}

extension Tucker2Analysis {
  /// The ranks at which each mode on its own retains a fraction of the energy.
  public func ranks(energy fraction: Double, multiple: Int = 1) -> (output: Int, input: Int) {
    (
      roundedRank(rank(retaining: fraction, of: outputSpectrum), multiple: multiple, extent: kernel.shape[0]),
      roundedRank(rank(retaining: fraction, of: inputSpectrum), multiple: multiple, extent: kernel.shape[1])
    )
  }

  /// The cheapest pair of ranks whose truncated HOSVD is within a relative error: both chosen jointly, from the
  /// table of all pairs.
  ///
  /// Ranks are multiples of `multiple`, or the full extent; nil where no pair but the full one will do and `error` is
  /// beyond what rounding allows.
  ///
  /// **Complexity** O(T + S) table look-ups: as one rank grows, the other only falls.
  public func ranks(
    error: Double, multiple: Int = 1, cost: (_ outputRank: Int, _ inputRank: Int) -> Int
  ) -> (output: Int, input: Int)? {
    let outputs = candidateRanks(extent: kernel.shape[0], multiple: multiple)
    let inputs = candidateRanks(extent: kernel.shape[1], multiple: multiple)
    var best: (output: Int, input: Int, cost: Int)?
    var column = inputs.count - 1
    for output in outputs {
      guard relativeError(outputRank: output, inputRank: inputs[column]) <= error else { continue }
      while column > 0 && relativeError(outputRank: output, inputRank: inputs[column - 1]) <= error {
        column -= 1
      }
      let price = cost(output, inputs[column])
      if best.map({ price < $0.cost }) ?? true { best = (output, inputs[column], price) }
    }
    return best.map { ($0.output, $0.input) }
  }

  private func candidateRanks(extent: Int, multiple: Int) -> [Int] {
    let multiples = Array(stride(from: multiple, to: extent, by: multiple))
    return multiples + [extent]
  }
}
