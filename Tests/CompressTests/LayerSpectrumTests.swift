import Testing

@testable import Compress

@Suite struct LayerSpectrumTests {
  @Test func tailsOfTheEnergies() {
    let curve = LayerSpectrum.Curve(name: "mode1", energies: [4, 2, 1, 1])
    #expect(curve.fullRank == 4)
    #expect(curve.ranks == [0, 1, 2, 3, 4])
    #expect(curve.remaining == [1, 0.5, 0.25, 0.125, 0])
    #expect(LayerSpectrum.Curve(name: "svd", energies: [0, 0]).remaining == [0, 0, 0])
  }

  @Test(arguments: [1, 2, 254, 255, 256, 257, 511, 1000, 4096])
  func pointsAreFewAndReachTheEnds(count: Int) {
    let curve = LayerSpectrum.Curve(name: "mode1", energies: (0..<count).map { 1 / Double($0 + 1) })
    #expect(curve.ranks.count <= 256 && curve.ranks.count == curve.remaining.count)
    #expect(curve.ranks.first == 0 && curve.ranks.last == count)
    #expect(curve.remaining == curve.remaining.sorted(by: >) && curve.remaining.last == 0)
  }

  @Test func groupsPoolByTheirEnergy() {
    let parts = [[3.0, 1.0], [12.0, 0.0]].map { LayerSpectrum.Curve(name: "mode2", energies: $0) }
    let pooled = LayerSpectrum.Curve(pooling: parts, energies: [4, 12])
    #expect(pooled.remaining == [1, 1.0 / 16, 0])
  }
}
