import Conv
import Tensors
import TestSupport
import Testing

/// The red zones that `runGuarded` puts around the regions of a workspace.
@Suite struct RedZoneTests {
  @Test func regionsAreApartAndEveryByteBetweenThemIsGuarded() {
    var layout = WorkspaceLayout(redZone: 100)
    let (a, b) = (layout.reserve(Float.self, count: 3), layout.reserve(UInt8.self, count: 65))
    // From the last element on, not from the boundary of 64 bytes behind it.
    #expect(layout.redZones.map(\.byteOffset) == [0, a.byteOffset + 12, b.byteOffset + 65])
    #expect(layout.redZones.allSatisfy { $0.count >= 100 })
    #expect(layout.redZones.last.map { $0.byteOffset + $0.count } == layout.byteCount)
    #expect(a.byteOffset % 64 == 0 && b.byteOffset % 64 == 0)
    var outer = WorkspaceLayout()
    _ = outer.reserve(layout, copies: 2)
    #expect(outer.byteCount == 2 * layout.byteCount)
    #expect(
      outer.redZones.map(\.byteOffset).suffix(3) == layout.redZones.map { $0.byteOffset + layout.byteCount })
  }

  @Test func aByteBehindAnyRegionIsSeen() {
    var layout = WorkspaceLayout(redZone: 64)
    let regions = [1, 16, 17].map { layout.reserve(Float.self, count: $0) }
    for (index, region) in regions.enumerated() {
      let workspace = Workspace(layout)
      fill(workspace, layout, with: Float.nan)
      #expect(damagedRedZone(workspace, layout) == nil)
      workspace.pointer(to: region)[region.count] = 1
      // Zone 0 lies before the first region.
      #expect(damagedRedZone(workspace, layout) == index + 1)
    }
  }

  @Test func ordinaryPlansHaveNone() throws {
    let geometry = try ConvolutionGeometry(kernelShape: [4, 4, 3, 3], inputExtents: [9, 9])
    var cases = GeneratedCases(seed: 410)
    let plan = ConvolutionPlan<Float>(geometry, kernel: cases.tensor(geometry.kernelShape))
    #expect(plan.layout.redZones.isEmpty)
    let spaced = plan.withRedZones(ofBytes: 64)
    #expect(!spaced.layout.redZones.isEmpty && spaced.workspaceByteCount > plan.workspaceByteCount)
  }
}
