import Decompose
import Foundation
import LinearAlgebra
import Forms
import Tensors
import TestSupport
import Testing

@Suite struct EVBMFTests {
  private struct Reference: Decodable {
    struct Case: Decodable {
      let name: String
      let rows: Int
      let columns: Int
      let rank: Int
      let noiseVariance: Double
      let threshold: Double
      let energies: [Double]
    }
    let cases: [Case]
  }

  @Test func ranksAreTheReferences() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Vectors.path("evbmf.json")))
    let cases = try JSONDecoder().decode(Reference.self, from: data).cases
    #expect(cases.count > 25)
    for item in cases {
      let found = EVBMF(energies: item.energies, rows: item.rows, columns: item.columns)
      #expect(found.rank == item.rank, "\(item.name), \(item.rows) x \(item.columns)")
      // A minimum is only found to the root of epsilon: the function is flat there. Both searches stop at 1e-10.
      #expect(abs(found.noiseVariance - item.noiseVariance) <= 1e-6 * item.noiseVariance)
      #expect(abs(found.threshold - item.threshold) <= 1e-6 * item.threshold)
    }
  }

  @Test func aKernelOfLowRankIsSeenAsSuch() throws {
    var generator = SeededGenerator(seed: 101)
    let core = Tensor<Double>.random([5, 4, 3, 3], using: &generator)
    let u = Tensor<Double>.random([24, 5], using: &generator)
    let v = Tensor<Double>.random([20, 4], using: &generator)
    let clean = Tucker2Factors(core: core, mode1: u, mode2: v).reconstructed()
    let kernel = Tensor<Float>(
      shape: clean.shape,
      elements: clean.elements.map { Float($0 + 0.05 * Double.random(in: -1...1, using: &generator)) })
    let found = try Tucker2Analysis(kernel).variationalRanks
    #expect(found.output.rank == 5 && found.input.rank == 4)
    #expect(try PairAnalysis(kernel, kind: .channel).variationalRank.rank == 5)
    #expect(try PairAnalysis(kernel, kind: .channelMirrored).variationalRank.rank == 4)
    // The variance of numbers drawn evenly from -0.05 to 0.05 is 0.05² / 3.
    #expect(abs(found.output.noiseVariance - 0.0025 / 3) < 0.2 * 0.0025 / 3)
    #expect(try Tucker2Analysis(Tensor<Float>(shape: [4, 3, 3, 3])).variationalRanks.output.rank == 0)
  }

  @Test func weakeningGoesPartOfTheWay() {
    let found = EVBMF(energies: [9, 8, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01], rows: 8, columns: 80)
    #expect(found.rank == 2)
    #expect(found.weakenedRank(full: 8, factor: 0) == 8)
    #expect(found.weakenedRank(full: 8, factor: 1) == 2)
    #expect(found.weakenedRank(full: 8, factor: 0.5) == 5)
    #expect(found.weakenedRank(full: 8, factor: 0.9, minimum: 4) == 4)
    let nothing = EVBMF(energies: [0, 0, 0], rows: 3, columns: 9)
    #expect(nothing.rank == 0 && nothing.weakenedRank(full: 3, factor: 1) == 3)
  }
}
