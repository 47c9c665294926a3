import LinearAlgebra
import Tensors
import TestSupport
import Testing

/// Products, factors and triangles that are large enough to be cut into pieces.
@Suite struct SharedWorkTests {
  @Test(arguments: [(700, 300, 660, false, false), (300, 700, 650, true, true), (520, 517, 511, false, true)])
  func productsAreTheSameWhateverTheThreads(m: Int, n: Int, k: Int, left: Bool, right: Bool) {
    var generator = SeededGenerator(seed: 51)
    let a = Tensor<Double>.random(left ? [k, m] : [m, k], using: &generator)
    let b = Tensor<Double>.random(right ? [n, k] : [k, n], using: &generator)
    let alone = matrixProduct(a, b, transposeA: left, transposeB: right)
    for threads in [2, 3] {
      let shared = SharedWork.withThreads(threads) {
        matrixProduct(a, b, transposeA: left, transposeB: right)
      }
      #expect(shared.elements == alone.elements, "\(threads) threads")
    }
    // Numbers of a known sum: each row of A times each column of B, a few of them.
    for (i, j) in [(0, 0), (m - 1, n - 1), (m / 2, n / 3), (256, 255)] {
      var sum = 0.0
      var size = 0.0
      for l in 0..<k {
        let term = (left ? a[l, i] : a[i, l]) * (right ? b[j, l] : b[l, j])
        sum += term
        size += abs(term)
      }
      #expect(abs(alone[i, j] - sum) <= Double(k) * Double.ulpOfOne * size)
    }
  }

  @Test func factorsAndTrianglesAreThoseOfTheMatrix() throws {
    let n = 1100
    var generator = SeededGenerator(seed: 52)
    let b = Tensor<Double>.random([n, n], using: &generator)
    var a = matrixProduct(b, b, transposeB: true)
    for i in 0..<n { a[i, i] += 1 }
    let alone = try a.choleskyDecomposition()
    let shared = try SharedWork.withThreads(2) { () throws(LinearAlgebraError) in
      try a.choleskyDecomposition()
    }
    #expect(shared.lower.elements == alone.lower.elements)
    let size = (0..<n).reduce(0) { max($0, a[$1, $1]) }
    let product = matrixProduct(alone.lower, alone.lower, transposeB: true)
    // Backward error of a Cholesky factor: at most n + 1 epsilons of the largest diagonal element each (Higham, theorem 10.3).
    #expect(largestDifference(product, a) <= Double(n + 1) * Double.ulpOfOne * size)
    let right = Tensor<Double>.random([n, 600], using: &generator)
    for transposed in [false, true] {
      let x = alone.solveTriangle(right, transposed: transposed)
      let two = SharedWork.withThreads(2) { alone.solveTriangle(right, transposed: transposed) }
      #expect(two.elements == x.elements)
      let back = matrixProduct(alone.lower, x, transposeA: transposed)
      let reach = (x.elements.map(abs).max() ?? 0) * (alone.lower.elements.map(abs).max() ?? 0)
      #expect(largestDifference(back, right) <= Double(n) * Double(n) * Double.ulpOfOne * reach)
    }
  }

  @Test func aLargeMatrixThatIsNotPositiveDefiniteNamesItsMinor() {
    let n = 1000
    var a = Tensor<Double>(shape: [n, n])
    for i in 0..<n { a[i, i] = i == 700 ? -1 : 1 }
    #expect(throws: LinearAlgebraError.notComputed(routine: "potrf", info: 701, extents: [n, n])) {
      try a.choleskyDecomposition()
    }
  }
}
