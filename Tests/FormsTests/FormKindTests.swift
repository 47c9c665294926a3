import Forms
import Tensors
import Testing

@Suite struct FormKindTests {
  private static let kernels: [Shape] = [
    [6, 5], [6, 5, 1, 1], [6, 5, 3], [6, 5, 1], [6, 5, 3, 2], [6, 5, 1, 7], [7, 3, 2, 3, 2],
  ]

  /// A form of each kind with different ranks.
  private static func form(_ kind: FormKind) -> FactoredForm {
    FactoredForm(kind, ranks: kind.ranks.indices.map { 2 + $0 })
  }

  @Test func namesAndAliasesAreOfOneKindEach() {
    let words = FormKind.all.flatMap { [$0.name] + $0.aliases }
    #expect(Set(words).count == words.count)
    for kind in FormKind.all {
      for word in [kind.name] + kind.aliases { #expect(FormKind(word) == kind) }
      #expect(FormKind.all.contains { $0.name == kind.family })
    }
    #expect(FormKind("tucker") == nil && FormKind("") == nil)
    #expect(FactoredForm("tucker-2:3,4") == .tucker2(outputRank: 3, inputRank: 4))
  }

  /// Each part holds the weights of its stage, and the shapes of all parts tell form and kernel again.
  @Test(arguments: FormKind.all) func partsTellFormAndKernel(kind: FormKind) throws {
    for kernel in Self.kernels where kind.fits(kernel: kernel) {
      let form = Self.form(kind)
      let shapes = form.partShapes(kernel: kernel)
      let weights = Dictionary(
        uniqueKeysWithValues: form.stages(kernel: kernel).map { ($0.name, $0.weightCount) })
      #expect(zip(kind.parts, shapes).allSatisfy { weights[$0] == $1.count })
      let found = try #require(kind.assembled(from: shapes, kernel: kernel))
      #expect(found.form == form && found.kernelShape == kernel)
      if !kind.domain.isPointwise {
        let alone = try #require(kind.assembled(from: shapes))
        #expect(alone.form == form && alone.kernelShape == kernel)
      }
      // One extent off, in any place, and they do not fit, unless it stands in no other part.
      let uses = Dictionary(grouping: shapes.flatMap(\.extents)) { $0 }
      for (part, shape) in shapes.enumerated() {
        for (axis, extent) in shape.extents.enumerated() where uses[extent]?.count ?? 0 > 1 {
          var extents = shape.extents
          extents[axis] = 97
          var changed = shapes
          changed[part] = Shape(extents)
          #expect(kind.assembled(from: changed, kernel: kernel) == nil)
        }
      }
    }
  }

  @Test func fullRanksAreThoseOfTheUnfoldings() {
    let kernel: Shape = [20, 12, 3, 5]
    #expect(FormKind.tucker2.fullRanks(kernel: kernel) == [20, 12])
    #expect(FormKind.spatial.fullRanks(kernel: kernel) == [36])
    #expect(FormKind.spatialMirrored.fullRanks(kernel: kernel) == [60])
    #expect(FormKind.channel.fullRanks(kernel: kernel) == [20])
    #expect(FormKind.channelMirrored.fullRanks(kernel: kernel) == [12])
    #expect(FormKind.svd.fullRanks(kernel: [20, 12, 1, 1]) == [12])
    #expect(FormKind.dense.fullRanks(kernel: kernel) == [])
    // As dear as the dense kernel: 3600 weights of 47 and 40 a component; exact from 12 x 5 x 3 on.
    #expect(FormKind.cp3.fullRanks(kernel: kernel) == [3600 / 47])
    #expect(FormKind.cp4.fullRanks(kernel: kernel) == [3600 / 40])
    #expect(FormKind.cp3.fullRanks(kernel: [2, 2, 3, 3]) == [36 / 13])
  }

  @Test func formsSuitKernelsWithOrWithoutSpatialExtent() {
    func suiting(_ kernel: Shape) -> [String] {
      FormKind.lowRank.filter { $0.suits(kernel: kernel) }.map(\.name)
    }
    #expect(suiting([4, 4]) == ["svd"] && suiting([4, 4, 1, 1]) == ["svd"])
    #expect(suiting([4, 4, 3]) == ["tucker2", "cp3", "channel", "channel-mirrored"])
    #expect(suiting([4, 4, 1, 3]) == FormKind.lowRank.map(\.name).filter { $0 != "svd" })
    #expect(suiting([4]).isEmpty)
  }
}
