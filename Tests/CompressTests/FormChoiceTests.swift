import Forms
import Tensors
import Testing

@testable import Compress

/// Which forms `auto` looks at.
@Suite struct FormChoiceTests {
  /// Terms of CP-4 that cost hardly less than those of CP-3 are not looked for.
  @Test(arguments: [
    ([512, 512, 3, 3], false), ([128, 64, 3, 3], false), ([64, 64, 3, 3], true), ([128, 64, 5, 5], true),
    ([64, 32, 1, 7], false),
  ])
  func cp4NeedsTapsToSave(kernel: [Int], isLookedAt: Bool) {
    let kinds = CompressionMethod.auto.kinds(for: Shape(kernel), searches: true)
    #expect(kinds.contains(.cp4) == isLookedAt)
    #expect(kinds.contains(.cp3))
    #expect(CompressionMethod.only(.cp4).kinds(for: Shape(kernel), searches: true) == [.cp4])
  }
}
