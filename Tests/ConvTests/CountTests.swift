import Conv
import Foundation
import Forms
import Tensors
import TestSupport
import Testing

/// What plans say of themselves in numbers.
@Suite struct CountTests {
  private func geometry(batch: Int) throws -> ConvolutionGeometry {
    try ConvolutionGeometry(
      batch: batch, kernelShape: [12, 8, 3, 3], inputExtents: [11, 9], stride: [2, 1], paddingBefore: [1, 0],
      paddingAfter: [0, 2])
  }

  private func plan(
    _ geometry: ConvolutionGeometry, _ form: FactoredForm, _ options: ConvolutionOptions = .init()
  ) -> ConvolutionPlan<Float> {
    let stages = form.stages(kernel: geometry.kernelShape)
    let weights = stages.map { Tensor<Float>(shape: $0.weightShape, repeating: 0.5) }
    return ConvolutionPlan(geometry, stages: stages, weights: weights, options: options)
  }

  /// The table of the factored forms, once for each image of the batch.
  @Test(arguments: [1, 3])
  func multipliesAreThoseOfTheTable(batch: Int) throws {
    let geometry = try geometry(batch: batch)
    let (before, after) = (11 * 9, geometry.outputExtents[0] * geometry.outputExtents[1])
    #expect(geometry.outputExtents == [5, 9])
    #expect(plan(geometry, .dense).multiplies == batch * 12 * 8 * 9 * after)
    #expect(
      plan(geometry, .tucker2(outputRank: 5, inputRank: 4)).multiplies
        == batch * (8 * 4 * before + (9 * 5 * 4 + 12 * 5) * after))
    #expect(plan(geometry, .cp3(rank: 6)).multiplies == batch * (8 * 6 * before + (9 * 6 + 12 * 6) * after))
  }

  /// A design that a file names is the one that is taken.
  @Test func aFileOfMeasuredDesignsIsFollowed() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("tuning")
    let geometry = try ConvolutionGeometry(
      kernelShape: [16, 16, 3, 3], inputExtents: [12, 12], paddingBefore: [1, 1], paddingAfter: [1, 1])
    let form = FactoredForm.tucker2(outputRank: 8, inputRank: 8)
    let measured = try TuningCache(path: path)
    _ = plan(geometry, form, ConvolutionOptions(tuning: .measured(measured)))
    try measured.save()
    let line = try String(contentsOfFile: path, encoding: .utf8)
    let key = try #require(line.split(separator: "\t").first)
    // No Winograd, bands of two rows, one thread.
    try Data("\(key)\t1 2 1 1\n".utf8).write(to: URL(fileURLWithPath: path))
    let cache = try TuningCache(path: path)
    let followed = plan(geometry, form, ConvolutionOptions(tuning: .measured(cache)))
    #expect(followed.explain.contains("bands of 2 output rows"), "\(followed.explain)")
    #expect(cache.count == 1)
  }
}
