import AllocationCounter
import Forms
import Tensors
import TestSupport
import Testing

@testable import Conv

/// Convolutions over three axes and more, on kernels of our own.
@Suite struct VolumeTests {
  @Test(arguments: KernelVariant.available)
  func everyFormEqualsItsDefinition(variant: KernelVariant) {
    for seed in TestRun.seeds(short: 16) {
      var cases = GeneratedCases(seed: seed)
      let geometry = cases.geometry(axes: 3, groups: cases.number(1...3), largestExtent: 6)
      for form in cases.forms(of: geometry) {
        var layer = LayerCase<Float>(geometry, form, &cases, note: TestRun.repeating(seed))
        layer.check(ConvolutionOptions(variant: variant, threads: cases.number(1...4)))
      }
    }
  }

  /// Chains in every layout, residuals elsewhere and in place.
  @Test(arguments: KernelVariant.available)
  func everyChainEqualsItsDefinition(variant: KernelVariant) throws {
    let stages = [
      ChainStage(
        weights: [18, 5, 2, 3, 3], stride: [1, 2, 1], dilation: [1, 1, 1], before: [1, 1, 0],
        after: [0, 1, 2]),
      ChainStage(
        weights: [18, 1, 3, 1, 3], groups: 18, stride: [1, 1, 1], dilation: [1, 1, 1], before: [1, 0, 1],
        after: [1, 0, 1]),
      ChainStage(
        weights: [7, 18, 1, 1, 1], stride: [1, 1, 1], dilation: [1, 1, 1], before: [0, 0, 0],
        after: [0, 0, 0]),
    ]
    var cases = GeneratedCases(seed: 660)
    for (first, last) in [(0, 2), (1, 2), (2, 2), (0, 0)] {
      let own = Array(stages[first...last])
      let chain = try ChainCase<Float>(
        own, batch: 2, inputExtents: [4, 7, 5],
        activations: own.map { _ in ChainTests.activations[cases.number(0...12)] }, &cases)
      for threads in [1, 3] {
        let options = ConvolutionOptions(variant: variant, threads: threads)
        let convolution = Convolution(chain.stages, options: options)
        for input in [MapLayout.channelFirst, .channelLast, MapLayout(.channelFirst, stride: 150)] {
          for output in [MapLayout.channelFirst, .channelLast, MapLayout(.channelLast, stride: 25)] {
            try chain.check(
              convolution, input: input, output: output, residualInPlace: cases.number(0...1) == 0)
          }
        }
      }
    }
  }

  /// So many columns that each band is one plane on any machine: not a bit depends on threads.
  @Test(arguments: KernelVariant.available)
  func bandsAndThreadsDoNotShow(variant: KernelVariant) throws {
    var cases = GeneratedCases(seed: 661)
    let geometry = try ConvolutionGeometry(
      kernelShape: [5, 90, 3, 3, 3], inputExtents: [5, 13, 11], paddingBefore: [1, 1, 1],
      paddingAfter: [1, 1, 1])
    var layer = LayerCase<Float>(geometry, .dense, &cases)
    layer.check(ConvolutionOptions(variant: variant))
    let (kernel, input): (Tensor<Float>, Tensor<Float>) = (
      cases.tensor(geometry.kernelShape), cases.tensor(geometry.inputShape)
    )
    let alone = ConvolutionPlan(geometry, kernel: kernel, options: ConvolutionOptions(variant: variant))
    #expect(!alone.explain.contains("CBLAS"))
    // A plane's columns of 2430 weights, where those of the volume would be five times as many.
    #expect(alone.workspaceByteCount < 3 * 4 * 2430 * 143)
    let expected = runGuarded(alone, input)
    for threads in [2, 3] {
      let shared = ConvolutionPlan(
        geometry, kernel: kernel, options: ConvolutionOptions(variant: variant, threads: threads))
      #expect(shared.threadCount == threads)
      #expect(runGuarded(shared, input) == expected, "\(variant) \(threads)")
    }
  }

  /// Only where the compiler optimises: otherwise every closure is an allocation.
  @Test(.enabled(if: isOptimised), arguments: [1, 2])
  func aSteadyRunAllocatesNothing(threads: Int) throws {
    var cases = GeneratedCases(seed: 662)
    for (shape, extents) in [
      (Shape([9, 5, 3, 3, 3]), [6, 9, 7]), ([40, 300], []), ([32, 4, 3, 3], [12, 12]),
    ] {
      let geometry = try ConvolutionGeometry(
        kernelShape: shape, inputExtents: extents, groups: extents.count == 2 ? 8 : 1)
      let plan = ConvolutionPlan<Float>(
        geometry, kernel: cases.tensor(shape), options: ConvolutionOptions(threads: threads))
      let input: Tensor<Float> = cases.tensor(geometry.inputShape)
      var workspace = plan.makeWorkspace()
      var output = Tensor<Float>(shape: geometry.outputShape)
      input.withSpan { input in
        output.withMutableSpan { output in
          for _ in 0..<10 { plan.run(input: input, output: &output, workspace: &workspace) }
          let before = lowrank_allocations()
          for _ in 0..<200 { plan.run(input: input, output: &output, workspace: &workspace) }
          #expect(lowrank_allocations() == before, "\(shape)")
        }
      }
    }
  }
}
