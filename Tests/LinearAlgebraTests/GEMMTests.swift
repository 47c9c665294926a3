import LinearAlgebra
import Tensors
import TestSupport
import Testing

@Suite struct GEMMTests {
  @Test(arguments: [(1, 1, 1), (3, 5, 7), (17, 1, 33), (64, 31, 2), (0, 3, 4), (3, 0, 4), (2, 3, 0)])
  func productEqualsPlainLoops(m: Int, k: Int, n: Int) {
    check(Float.self, m, k, n)
    check(Double.self, m, k, n)
  }

  private func check<E: LapackScalar>(_: E.Type, _ m: Int, _ k: Int, _ n: Int) {
    var generator = SeededGenerator(seed: 11)
    let a = Tensor<E>.random([m, k], using: &generator)
    let b = Tensor<E>.random([k, n], using: &generator)
    let expected = naiveProduct(a, b)
    // k products of numbers up to 1, each rounded once: k epsilon, and as much again for the sums.
    let bound = 2 * Double(k) * Double(E.ulpOfOne)
    let (at, bt) = (a.permuted([1, 0]), b.permuted([1, 0]))
    #expect(largestDifference(matrixProduct(a, b), expected) <= bound)
    #expect(largestDifference(matrixProduct(at, b, transposeA: true), expected) <= bound)
    #expect(largestDifference(matrixProduct(a, bt, transposeB: true), expected) <= bound)
    #expect(largestDifference(matrixProduct(at, bt, transposeA: true, transposeB: true), expected) <= bound)
  }

  @Test(arguments: 1...4)
  func modeProductEqualsTheProductWithTheUnfolding(mode: Int) {
    var generator = SeededGenerator(seed: 12)
    let x = Tensor<Double>.random([3, 4, 5, 2], using: &generator)
    let a = Tensor<Double>.random([6, x.shape[mode - 1]], using: &generator)
    var extents = x.shape.extents
    extents[mode - 1] = 6
    let expected = Tensor.folded(naiveProduct(a, x.unfolded(mode: mode)), mode: mode, shape: Shape(extents))
    let bound = 2 * 5 * Double.ulpOfOne
    #expect(largestDifference(x.modeProduct(a, mode: mode), expected) <= bound)
    #expect(
      largestDifference(x.modeProduct(a.permuted([1, 0]), mode: mode, transposed: true), expected) <= bound)
  }

  @Test(arguments: 1...4)
  func gramMatrixIsTheUnfoldingTimesItsTranspose(mode: Int) {
    var generator = SeededGenerator(seed: 13)
    // Mode 1 is longer than one block of the Double copy; mode 3 has several runs a row.
    let x = Tensor<Float>.random([3, 20, 7, 1300], using: &generator)
    let small = Tensor<Float>.random([3, 4, 5, 6], using: &generator)
    for tensor in mode == 4 || mode == 2 ? [small] : [x, small] {
      let unfolded = tensor.unfolded(mode: mode).converted(to: Double.self)
      let gram = tensor.gramMatrix(mode: mode)
      let columns = Double(unfolded.shape[1])
      #expect(
        largestDifference(gram, naiveProduct(unfolded, unfolded.permuted([1, 0]))) <= 2 * columns
          * Double.ulpOfOne * columns)
    }
    #expect(abs(small.squaredNorm - small.elements.reduce(0) { $0 + Double($1) * Double($1) }) < 1e-12)
  }

  @Test func theThreadCountIsPutBack() {
    let before = BLASLibrary.threadCount
    BLASLibrary.withThreads(1) { #expect(BLASLibrary.threadCount == 1) }
    #expect(BLASLibrary.threadCount == before)
    #expect(BLASLibrary.configuration.contains("OpenBLAS"))
    #expect(!BLASLibrary.core.isEmpty)
  }
}
