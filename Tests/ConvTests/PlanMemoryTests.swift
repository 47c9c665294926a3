import AllocationCounter
import Forms
import LinearAlgebra
import TestSupport
import Tensors
import Testing

@testable import Conv

/// What plans hold and allocate.
@Suite struct PlanMemoryTests {
  /// A plan holds its weights once, in the form that its executor reads.
  @Test(arguments: [ConvolutionOptions.Backend.automatic, .blas])
  func weightsAreCopiedOnce(backend: ConvolutionOptions.Backend) throws {
    let geometry = try ConvolutionGeometry(kernelShape: [512, 512, 1, 1], inputExtents: [4, 4])
    var cases = GeneratedCases(seed: 430)
    let kernel: Tensor<Float> = cases.tensor(geometry.kernelShape)
    let before = lowrank_allocated_bytes()
    let plan = ConvolutionPlan(geometry, kernel: kernel, options: ConvolutionOptions(backend: backend))
    let made = lowrank_allocated_bytes() - before
    #expect(plan.threadCount == 1)
    // The counter stands still where it cannot count.
    let bytes = 4 * kernel.count
    #expect(made == 0 || (made >= bytes && made < bytes + bytes / 4), "\(made) bytes for weights of \(bytes)")
  }

  /// On every machine, whatever its caches: a workspace is a band of the maps, which costs the same in a taller image.
  @Test(arguments: [
    FactoredForm.tucker2(outputRank: 16, inputRank: 16), .cp3(rank: 32), .spatial(rank: 16), .dense,
  ])
  func theWorkspaceDoesNotGrowWithTheHeightOfTheImage(form: FactoredForm) throws {
    func bytes(_ height: Int, threads: Int) throws -> Int {
      var cases = GeneratedCases(seed: 431)
      let geometry = try ConvolutionGeometry(
        kernelShape: [64, 64, 3, 3], inputExtents: [height, 112], paddingBefore: [1, 1], paddingAfter: [1, 1])
      let shapes = form.stages(kernel: geometry.kernelShape)
      return ConvolutionPlan<Float>(
        geometry, stages: shapes, weights: shapes.map { cases.tensor($0.weightShape) },
        options: ConvolutionOptions(threads: threads)
      ).workspaceByteCount
    }
    for threads in [1, 2] {
      let (short, tall) = (try bytes(256, threads: threads), try bytes(2048, threads: threads))
      // Eight times the rows. Bands share them out evenly and fill tiles more or less well, so that the lowest of those
      // within the margin are not quite as high; a workspace that grew with the image would be eight times as large.
      #expect(Double(tall) < 2 * Double(short), "\(threads) threads: \(short) and \(tall) bytes")
    }
  }

  /// The same for the choices of other machines: kernels, and KiB of the second and the last cache.
  @Test(arguments: [
    (KernelVariant.avx2, 256, 8_192), (.avx2, 512, 16_384), (.avx2, 512, 32_768), (.avx2, 1_280, 12_288),
    (.avx2, 2_048, 32_768), (.avx512, 512, 8_192), (.avx512, 1_024, 32_768), (.avx512, 2_048, 32_768),
    (.neon, 512, 1_024), (.neon, 512, 4_096), (.neon, 1_024, 4_096), (.neon, 1_024, 32_768),
    (.scalar, 512, 1_024),
  ])
  func bandsDoNotGrowOnOtherMachines(variant: KernelVariant, privateKiB: Int, sharedKiB: Int) throws {
    guard let table = variant.table?.pointee else { return }
    let machine = Machine(table, caches: (privateKiB << 10, sharedKiB << 10))
    for threads in [1, 2] {
      let options = ConvolutionOptions(variant: variant, threads: threads)
      let bytes = try [256, 2048].map { height in
        let geometry = try ConvolutionGeometry(
          kernelShape: [64, 64, 3, 3], inputExtents: [height, 112], paddingBefore: [1, 1],
          paddingAfter: [1, 1])
        let plane = try #require(PlaneGeometry(geometry, pixels: 1))
        let maps = try MapStrides(.channelFirst, batch: 1, channels: 64, positions: height * 112, of: "maps")
        let ends = MapEnds(input: maps, output: maps)
        let candidates = BandedDesign.candidates(
          [plane], images: 1, machine: machine, ends: ends, options: options)
        let best = try #require(BandedDesign.best(candidates))
        return best.bandBytes * best.slots
      }
      #expect(Double(bytes[1]) < 2 * Double(bytes[0]), "\(threads) threads: \(bytes)")
    }
  }

  /// Only where the compiler optimises: otherwise every closure is an allocation.
  @Test(.enabled(if: isOptimised), arguments: [1, 2])
  func aSteadyRunThroughBLASAllocatesNothing(threads: Int) throws {
    let geometry = try ConvolutionGeometry(
      kernelShape: [16, 12, 3, 3], inputExtents: [14, 14], paddingBefore: [1, 1], paddingAfter: [1, 1])
    var cases = GeneratedCases(seed: 432)
    let plan = ConvolutionPlan<Double>(
      geometry, kernel: cases.tensor(geometry.kernelShape), options: ConvolutionOptions(threads: threads))
    let input: Tensor<Double> = cases.tensor(geometry.inputShape)
    var workspace = plan.makeWorkspace()
    var output = Tensor<Double>(shape: geometry.outputShape)
    input.withSpan { input in
      output.withMutableSpan { output in
        for _ in 0..<10 { plan.run(input: input, output: &output, workspace: &workspace) }
        let before = lowrank_allocations()
        for _ in 0..<200 { plan.run(input: input, output: &output, workspace: &workspace) }
        #expect(lowrank_allocations() == before)
      }
    }
  }
}
