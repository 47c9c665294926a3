import Compress
import Decompose
import Testing

@testable import Reports

@Suite struct SpectrumRankTests {
  @Test func formsReadTheirRanksOffTheirCurves() {
    func curve(_ name: String) -> LayerSpectrum.Curve { LayerSpectrum.Curve(name: name, energies: [1]) }
    #expect(curve("mode1").rank(method: "tucker2", ranks: [5, 3]) == 5)
    #expect(curve("mode2").rank(method: "tucker2", ranks: [5, 3]) == 3)
    #expect(curve("mode1").rank(method: "channel", ranks: [4]) == 4)
    #expect(curve("mode2").rank(method: "channel", ranks: [4]) == nil)
    #expect(curve("mode2").rank(method: "channel-mirrored", ranks: [4]) == 4)
    #expect(curve("spatial").rank(method: "spatial", ranks: [4]) == 4)
    #expect(curve("mode1").rank(method: "keep", ranks: []) == nil)
  }
}
