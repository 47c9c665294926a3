import Decompose
import Tensors
import TestSupport
import Testing

@Suite struct Tucker2AnalysisTests {
  private func kernel(_ shape: Shape = [18, 12, 3, 3]) -> Tensor<Double> {
    var generator = SeededGenerator(seed: 51)
    return Tensor.decayingKernel(shape, using: &generator)
  }

  @Test func theTableHoldsTheErrorOfEveryTruncatedHOSVD() throws {
    let kernel = kernel()
    let analysis = try Tucker2Analysis(kernel)
    for (r1, r2) in [(1, 1), (5, 3), (18, 2), (4, 12), (18, 12)] {
      let hosvd = try tucker2(kernel, outputRank: r1, inputRank: r2, algorithm: .hosvd)
      #expect(abs(analysis.relativeError(outputRank: r1, inputRank: r2) - hosvd.relativeError) < 1e-7)
      let result = try analysis.decomposition(outputRank: r1, inputRank: r2)
      #expect(result.relativeError <= hosvd.relativeError + 1e-12)
      #expect(abs(result.errorBound - hosvd.errorBound) < 1e-7)
    }
    #expect(analysis.relativeError(outputRank: 0, inputRank: 0) == 1)
  }

  @Test func spectraAreTheSquaredSingularValuesOfTheUnfoldings() throws {
    let kernel = kernel()
    let analysis = try Tucker2Analysis(kernel)
    for (energies, mode) in [(analysis.outputEnergies, 1), (analysis.inputEnergies, 2)] {
      let values = try kernel.unfolded(mode: mode).singularValues()
      for (energy, value) in zip(energies, values) {
        #expect(abs(energy - value * value) < 1e-12 * values[0] * values[0])
      }
    }
  }

  @Test(arguments: [0.05, 0.1, 0.3, 0.6, 0.9])
  func thePairForAnErrorIsTheCheapestOfAll(error: Double) throws {
    let analysis = try Tucker2Analysis(kernel())
    func cost(_ r1: Int, _ r2: Int) -> Int { 12 * r2 + 9 * r1 * r2 + 18 * r1 }
    let chosen = try #require(analysis.ranks(error: error, cost: cost))
    #expect(analysis.relativeError(outputRank: chosen.output, inputRank: chosen.input) <= error)
    for r1 in 1...18 {
      for r2 in 1...12 where analysis.relativeError(outputRank: r1, inputRank: r2) <= error {
        #expect(cost(chosen.output, chosen.input) <= cost(r1, r2))
      }
    }
    let multiple = try #require(analysis.ranks(error: error, multiple: 4, cost: cost))
    #expect(multiple.output % 4 == 0 || multiple.output == 18)
    #expect(multiple.input % 4 == 0 || multiple.input == 12)
    #expect(analysis.relativeError(outputRank: multiple.output, inputRank: multiple.input) <= error)
  }

  /// A power of two changes no digit: ranks and errors are the same also where every energy leaves Double's range.
  @Test(arguments: [0x1p-565, 0x1p-100, 0x1p100, 0x1p500])
  func theScaleOfTheKernelDoesNotMatter(scale: Double) throws {
    let kernel = kernel()
    let analysis = try Tucker2Analysis(kernel)
    let other = try Tucker2Analysis(kernel.times(scale))
    for (r1, r2) in [(0, 0), (1, 1), (5, 3), (18, 2), (4, 12), (18, 12)] {
      #expect(
        analysis.relativeError(outputRank: r1, inputRank: r2)
          == other.relativeError(outputRank: r1, inputRank: r2))
    }
    for part in [0.3, 0.9, 0.999] {
      #expect(analysis.ranks(energy: part) == other.ranks(energy: part))
      let (one, two) = (
        analysis.ranks(error: 1 - part) { $0 * $1 }, other.ranks(error: 1 - part) { $0 * $1 }
      )
      #expect(one?.output == two?.output && one?.input == two?.input)
    }
    let (one, two) = (analysis.variationalRanks, other.variationalRanks)
    #expect(one.output.rank == two.output.rank && one.input.rank == two.input.rank)
    #expect(one.output.threshold * scale == two.output.threshold)
    let result = try analysis.decomposition(outputRank: 5, inputRank: 3)
    let same = try other.decomposition(outputRank: 5, inputRank: 3)
    #expect(result.relativeError == same.relativeError && result.errorBound == same.errorBound)
  }

  /// Small errors are sums of small squares, not differences of large ones.
  @Test func smallErrorsKeepTheirDigits() throws {
    var kernel = Tensor<Double>(shape: [4, 4, 1])
    for i in 0..<4 { kernel[i, i, 0] = [1, 1e-3, 1e-9, 1e-12][i] }
    let analysis = try Tucker2Analysis(kernel)
    for (rank, expected) in [(1, 1e-3), (2, 1e-9), (3, 1e-12)] {
      let error = analysis.relativeError(outputRank: rank, inputRank: rank)
      #expect(abs(error - expected) <= 1e-5 * expected)
    }
    #expect(analysis.relativeError(outputRank: 4, inputRank: 4) == 0)
  }

  @Test func ranksByEnergy() throws {
    #expect(rank(retaining: 0.5, of: [4, 3, 2, 1]) == 2)
    #expect(rank(retaining: 1, of: [4, 3, 2, 1]) == 4)
    #expect(rank(retaining: 1, of: [4, 3, 0, 0]) == 2)
    #expect(rank(retaining: 0, of: [4, 3]) == 1)
    #expect(rank(retaining: 0.9, of: [0, 0]) == 1)
    #expect(roundedRank(5, multiple: 4, extent: 7) == 7)
    #expect(roundedRank(4, multiple: 4, extent: 7) == 4)
  }

  @Test func aZeroKernelNeedsOneComponent() throws {
    let analysis = try Tucker2Analysis(Tensor<Float>(shape: [4, 3, 3, 3]))
    let ranks = try #require(analysis.ranks(error: 0.1) { $0 + $1 })
    #expect(ranks.output == 1 && ranks.input == 1)
    #expect(try analysis.decomposition(outputRank: 1, inputRank: 1).relativeError == 0)
  }
}
