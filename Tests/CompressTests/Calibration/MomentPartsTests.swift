import Decompose
import LinearAlgebra
import ModelGraph
import Network
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import Compress

@Suite struct MomentPartsTests {
  /// Sums of three parts of the data are the sums of the whole, to the rounding of Double.
  @Test func partsAddUpToTheWhole() throws {
    let model = try CalibrationModel().model
    let images = CalibrationModel.images(11)
    let whole = try Self.moments(model, CalibrationSamples(images))
    var sum: LayerMoments?
    for part in 0..<3 {
      let own = stride(from: part, to: 11, by: 3).map { images[$0] }
      let moments = try Self.moments(model, CalibrationSamples(own, first: part, step: 3, total: 11))
      sum?.add(moments)
      sum = sum ?? moments
    }
    let added = try #require(sum)
    for (a, b) in zip(whole.groups, added.groups) {
      for (a, b) in [(a.fitted, b.fitted), (a.heldOut, b.heldOut)] {
        #expect(a.count == b.count && a.count > 0)
        // As many roundings as there are positions, each of a sum of squares.
        let tolerance = Double(a.count) * 0x1p-52 * a.patchGram.squaredNorm.squareRoot()
        for (x, y) in zip(a.patchGram.elements, b.patchGram.elements) { #expect(abs(x - y) <= tolerance) }
      }
    }
  }

  /// Positions are drawn from all over a layer, each once.
  @Test func positionsAreSpread() {
    let places = SampledPositions.places(count: 10, of: 101, seed: 3)
    #expect(Set(places).count == 10 && places == places.sorted())
    for (stretch, place) in places.enumerated() {
      #expect(place / 11 <= stretch + 1 && place >= stretch * 10)
    }
    #expect(places != SampledPositions.places(count: 10, of: 101, seed: 4))
    #expect(SampledPositions.places(count: 10, of: 4, seed: 3) == [0, 1, 2, 3])
  }

  /// Short patches get all the positions that are worth a look, long ones two a number, and those between what a budget of
  /// multiplies allows: no layer's sums take much longer than another's.
  @Test(arguments: [
    (1, 1 << 14), (27, 1 << 14), (2048, 1 << 14), (2304, 12945), (4608, 9216), (8192, 1 << 14),
  ])
  func positionsAreBounded(patch: Int, positions: Int) {
    #expect(SampledPositions.wanted(patch: patch) == positions)
  }

  /// Sums in tiles are the same to the bit on any number of threads, and those of plain products.
  @Test func sumsDoNotDependOnThreads() {
    var generator = SeededGenerator(seed: 5)
    let (rows, left) = (
      generator.tensor([70, 600], of: Double.self), generator.tensor([70, 9], of: Double.self)
    )
    var (grams, products): ([Tensor<Double>], [Tensor<Double>]) = ([], [])
    for threads in [1, 4] {
      var gram = Tensor<Double>(shape: [600, 600], repeating: 1)
      var product = Tensor<Double>(shape: [9, 600], repeating: 1)
      GramSums.add(gramOf: rows, count: 65, to: &gram, threads: threads)
      GramSums.add(productOf: left, and: rows, count: 65, to: &product, threads: threads)
      GramSums.mirror(&gram)
      grams.append(gram)
      products.append(product)
    }
    #expect(grams[0] == grams[1] && products[0] == products[1])
    let taken = Tensor(rows.view.sliced(axis: 0, 0..<65))
    for (a, b) in zip(grams[0].elements, matrixProduct(taken, taken, transposeA: true).elements) {
      // 65 products of numbers up to 1, and the one that was there.
      #expect(abs(a - b - 1) <= 66 * 66 * 0x1p-53)
    }
  }

  /// Values beyond the memory allowed come back from the disk as they were.
  @Test func valuesGoToTheDiskAndBack() throws {
    let store = ValueStore(mostBytes: 40)
    let tensors = (0..<4).map { NetworkTensor(Tensor<Float>(shape: [2, 3], repeating: Float($0))) }
    let stored = try tensors.map { try store.store($0) }
    for (tensor, place) in zip(tensors, stored) { #expect(try store.value(place) == tensor) }
    store.release(stored[1])
    store.release(stored[2])
    // Takes the room that was given back.
    let again = try store.store(tensors[0])
    #expect(try store.value(again) == tensors[0])
    #expect(try store.value(stored[3]) == tensors[3])
  }

  private static func moments(_ model: ModelGraph, _ samples: CalibrationSamples) throws -> LayerMoments {
    let layer = try #require(try model.layers().first)
    let reading = try LayerReading(layer, model)
    let dense = try CalibrationPiece(model.piece(of: [layer.node], making: [reading.output]), threads: 1)
    var collector = MomentsCollector(reading, samples, threads: 1)
    for (sample, made) in try dense.run(samples.inputs).enumerated() {
      let isRead = collector.add(
        sample: sample, input: samples.inputs[sample]["x"], response: made[reading.output])
      #expect(isRead)
    }
    return collector.finish().moments
  }
}
