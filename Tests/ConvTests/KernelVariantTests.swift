import Conv
import Tensors
import TestSupport
import Testing

/// Every form on every kernel variant that the machine has, against the definition of its stages in Double.
@Suite struct KernelVariantTests {
  /// Geometries an algorithm, each run in all forms that it has by every variant: over 2,000 plans.
  private static let rounds = 20

  @Test(arguments: [ConvolutionOptions.Winograd.off, .automatic, .tile(2), .tile(4), .tile(5), .tile(6)])
  func everyFormEqualsItsDefinition(winograd: ConvolutionOptions.Winograd) {
    for seed in TestRun.seeds(short: Self.rounds) {
      var cases = GeneratedCases(seed: seed)
      let anything = winograd == .off ? cases.number(0...3) > 0 : cases.number(0...3) == 0
      let others: [ConvolutionOptions.Winograd: Int] = [.tile(2): 5, .tile(4): 5, .tile(5): 2]
      let side = cases.number(0...2) == 0 ? others[winograd] ?? 3 : 3
      let geometry =
        anything
        ? cases.geometry(axes: cases.number(1...2)) : cases.geometry(height: side, width: side)
      for form in cases.forms(of: geometry) {
        var layer = LayerCase<Float>(geometry, form, &cases, note: TestRun.repeating(seed))
        for variant in KernelVariant.available {
          layer.check(cases.options(ConvolutionOptions(winograd: winograd, variant: variant)))
        }
      }
    }
  }

  /// Depthwise layers: the stage stands alone, between two changes of layout.
  @Test func depthwiseLayersEqualTheirDefinition() {
    for seed in TestRun.seeds(short: 2 * Self.rounds) {
      var cases = GeneratedCases(seed: seed)
      var layer = LayerCase<Float>(cases.depthwiseGeometry(), .dense, &cases, note: TestRun.repeating(seed))
      for variant in KernelVariant.available {
        layer.check(cases.options(ConvolutionOptions(variant: variant)))
      }
    }
  }
}

extension GeneratedCases {
  /// The options with a band and a number of threads drawn at random.
  fileprivate mutating func options(_ options: ConvolutionOptions) -> ConvolutionOptions {
    var options = options
    let band = number(0...9)
    options.band = band == 0 ? nil : band
    options.threads = number(1...4)
    return options
  }
}
