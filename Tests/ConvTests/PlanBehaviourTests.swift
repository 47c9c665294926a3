import AllocationCounter
import Conv
import Foundation
import LinearAlgebra
import Forms
import TensorFiles
import Tensors
import TestSupport
import Testing

/// What plans promise besides their results.
@Suite struct PlanBehaviourTests {
  private func layer(
    _ channels: Int, _ side: Int, form: FactoredForm, _ options: ConvolutionOptions = ConvolutionOptions()
  ) throws -> (plan: ConvolutionPlan<Float>, reference: ConvolutionPlan<Double>, input: Tensor<Float>) {
    var cases = GeneratedCases(seed: 300)
    let geometry = try ConvolutionGeometry(
      kernelShape: [channels, channels, 3, 3], inputExtents: [side, side], paddingBefore: [1, 1],
      paddingAfter: [1, 1])
    let shapes = form.stages(kernel: geometry.kernelShape)
    let weights: [Tensor<Float>] = shapes.map { cases.tensor($0.weightShape) }
    return (
      ConvolutionPlan(geometry, stages: shapes, weights: weights, options: options),
      ConvolutionPlan(geometry, stages: shapes, weights: weights.map { $0.converted() }),
      cases.tensor(geometry.inputShape)
    )
  }

  @Test(arguments: [1, 2, 3, 5])
  func threadsDoNotChangeTheResult(threads: Int) throws {
    for (channels, side) in [(48, 33), (64, 7)] {
      let form = FactoredForm.tucker2(outputRank: 20, inputRank: 24)
      for winograd in [ConvolutionOptions.Winograd.off, .tile(4)] {
        let alone = try layer(channels, side, form: form, ConvolutionOptions(winograd: winograd, band: 4))
        let shared = try layer(
          channels, side, form: form, ConvolutionOptions(winograd: winograd, band: 4, threads: threads))
        // Each element is summed in the same order, whoever does it.
        #expect(runGuarded(alone.plan, alone.input) == runGuarded(shared.plan, shared.input))
      }
    }
  }

  @Test func plansRunAtOnceFromManyTasks() async throws {
    let layer = try layer(
      64, 14, form: .tucker2(outputRank: 16, inputRank: 32), ConvolutionOptions(threads: 2))
    let expected = layer.plan.run(layer.input)
    let same = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<16 {
        group.addTask { (0..<10).allSatisfy { _ in layer.plan.run(layer.input) == expected } }
      }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(same)
  }

  @Test func winogradIsWithinItsBoundAndCanBeSwitchedOff() throws {
    var errors: [Double] = []
    for winograd in [ConvolutionOptions.Winograd.off, .tile(2), .tile(4)] {
      let layer = try layer(96, 20, form: .dense, ConvolutionOptions(winograd: winograd))
      let error = largestDifference(layer.plan.run(layer.input), layer.reference.run(layer.input.converted()))
      #expect(error <= layer.plan.errorBound(inputsUpTo: 1))
      errors.append(error)
    }
    // F(4x4, 3x3) loses some bits, but not many: about a factor of four here.
    #expect(errors[2] < 20 * errors[0], "\(errors)")
    let off = try layer(96, 20, form: .dense, ConvolutionOptions(winograd: .off)).plan
    #expect(!off.explain.contains("Winograd"))
  }

  /// By the definition a NaN reaches what reads it; under Winograd's algorithms no more than the tiles that do.
  @Test(arguments: [(ConvolutionOptions.Winograd.off, 4..<7), (.tile(4), 4..<8)])
  func aNaNReachesWhatReadsItOrItsTile(winograd: ConvolutionOptions.Winograd, reached: Range<Int>) throws {
    var layer = try layer(24, 12, form: .dense, ConvolutionOptions(winograd: winograd))
    layer.input[0, 3, 5, 5] = .nan
    let result = layer.plan.run(layer.input)
    for channel in 0..<24 {
      for place in 0..<144 {
        let (y, x) = (place / 12, place % 12)
        let isNaN = result[0, channel, y, x].isNaN
        if (4..<7).contains(y), (4..<7).contains(x) { #expect(isNaN) }
        if !reached.contains(y) || !reached.contains(x) { #expect(!isNaN, "\(y), \(x)") }
      }
    }
  }

  /// The documented terms of two stages, the first one's times the second one's gain, and a rounding or two of each.
  @Test func theErrorBoundGrowsThroughTheStages() throws {
    let stages = try [
      ConvolutionStage<Float>(weights: Tensor(shape: [4, 8, 1, 1], repeating: 3)),
      ConvolutionStage<Float>(weights: Tensor(shape: [2, 4, 1, 1], repeating: -5)),
    ]
    let bound = try Convolution(stages).reshaped(inputExtents: [5, 5]).errorBound(inputsUpTo: 2)
    let gains: Double = 3 * 8 * 5 * 4
    let unit = 2 * gains * Double(Float.ulpOfOne)
    let terms: Double = 8 + 2 + 4 + 2
    #expect(bound >= terms * unit)
    #expect(bound <= (terms + 8) * 1.001 * unit)
  }

  @Test func theWorkspaceIsBoundedByTheBand() throws {
    func bytes(_ height: Int, band: Int?) throws -> Int {
      let geometry = try ConvolutionGeometry(
        kernelShape: [64, 64, 3, 3], inputExtents: [height, 224], paddingBefore: [1, 1], paddingAfter: [1, 1])
      let shapes = FactoredForm.tucker2(outputRank: 16, inputRank: 16).stages(kernel: geometry.kernelShape)
      return ConvolutionPlan<Float>(
        geometry, stages: shapes, weights: shapes.map { Tensor(shape: $0.weightShape) },
        options: ConvolutionOptions(winograd: .off, band: band)
      ).workspaceByteCount
    }
    // Maps of ten and eight rows of 16 channels, and eight rows once more before they leave: 0.4 MiB, however high the image.
    #expect(try bytes(224, band: 8) < 1 << 19)
    #expect(try bytes(224, band: 8) == bytes(1792, band: 8))
    // What the model chooses depends on the caches, but is no more than everything at once.
    #expect(try bytes(224, band: nil) <= bytes(224, band: 224))
  }

  /// Only where the compiler optimises: otherwise every closure is an allocation.
  @Test(.enabled(if: isOptimised), arguments: [1, 2])
  func aSteadyRunAllocatesNothing(threads: Int) throws {
    let forms: [FactoredForm] = [
      .dense, .tucker2(outputRank: 8, inputRank: 8), .cp3(rank: 8), .cp4(rank: 8), .spatial(rank: 8),
      .channel(rank: 8),
    ]
    for form in forms {
      let layer = try layer(16, 12, form: form, ConvolutionOptions(threads: threads))
      var workspace = layer.plan.makeWorkspace()
      var output = Tensor<Float>(shape: layer.plan.outputShape)
      layer.input.withSpan { input in
        output.withMutableSpan { output in
          // The first runs make the pool's threads.
          for _ in 0..<10 { layer.plan.run(input: input, output: &output, workspace: &workspace) }
          let before = lowrank_allocations()
          for _ in 0..<1_000 { layer.plan.run(input: input, output: &output, workspace: &workspace) }
          let made = lowrank_allocations() - before
          #expect(made == 0, "\(form)")
        }
      }
    }
    // The counter counts.
    if lowrank_counts_allocations() {
      let before = lowrank_allocations()
      let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 64)
      memory.deallocate()
      #expect(lowrank_allocations() > before)
    }
  }

  @Test func aPlanExplainsItself() throws {
    let plan = try layer(
      32, 28, form: .tucker2(outputRank: 16, inputRank: 16), ConvolutionOptions(winograd: .tile(4))
    ).plan
    #expect(plan.explain.contains("F(4x4, 3x3)"))
    #expect(plan.explain.split(separator: "\n").count == 4)
    let blas = try layer(8, 8, form: .dense, ConvolutionOptions(backend: .blas)).plan
    #expect(blas.explain.contains("CBLAS"))
  }

  @Test func measuringIsRememberedInAFile() throws {
    let path = NSTemporaryDirectory() + "lowrank-tuning-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let cache = try TuningCache(path: path)
    let form = FactoredForm.tucker2(outputRank: 8, inputRank: 8)
    let first = try layer(16, 12, form: form, ConvolutionOptions(tuning: .measured(cache)))
    #expect(cache.count == 1)
    try cache.save()
    let second = try layer(
      16, 12, form: form, ConvolutionOptions(tuning: .measured(try TuningCache(path: path))))
    #expect(first.plan.run(first.input) == second.plan.run(second.input))
    #expect(first.plan.workspaceByteCount == second.plan.workspaceByteCount)
    _ = try layer(16, 10, form: form, ConvolutionOptions(tuning: .measured(cache)))
    #expect(cache.count == 2, "another size is another layer")
    try Data("nonsense".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: FileError.self) { try TuningCache(path: path) }
  }
}
