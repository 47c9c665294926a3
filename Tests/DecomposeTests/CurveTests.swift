import Decompose
import Forms
import Tensors
import TestSupport
import Testing

@Suite struct CurveTests {
  /// Each curve of Tucker-2 is the tail of its own mode's energies, as a part of all.
  @Test func theCurvesOfTucker2AreThoseOfItsModes() throws {
    var generator = SeededGenerator(seed: 201)
    let kernel = Tensor<Float>.decayingKernel([7, 4, 3, 3], using: &generator)
    let analysis = try Tucker2Analysis(kernel)
    let curves = try #require(FormKind.tucker2.decomposition).analysis(of: kernel).curves
    #expect(curves.map(\.name) == ["mode1", "mode2"])
    for (curve, energies) in zip(curves, [analysis.outputEnergies, analysis.inputEnergies]) {
      #expect(curve.fullRank == energies.count)
      #expect(curve.ranks == Array(0...energies.count))
      for (rank, remaining) in zip(curve.ranks, curve.remaining) {
        let tail = energies.dropFirst(rank).reduce(0, +) / energies.reduce(0, +)
        // Sums of at most seven numbers, in another order.
        #expect(abs(remaining - tail) <= 14 * Double.ulpOfOne)
      }
    }
  }
}
