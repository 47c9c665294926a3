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
    func product(threads: Int) -> Tensor<Double> {
      BLASLibrary.withThreads(1) {
        SharedWork.withThreads(threads) { matrixProduct(a, b, transposeA: left, transposeB: right) }
      }
    }
    let alone = product(threads: 1)
    for threads in [2, 3] { #expect(isSame(product(threads: threads), alone), "\(threads) threads") }
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
    let a = matrixProduct(b, b, transposeB: true).plusIdentity()
    func factor(threads: Int) throws -> CholeskyDecomposition<Double> {
      try BLASLibrary.withThreads(1) {
        try SharedWork.withThreads(threads) { try a.choleskyDecomposition() }
      }
    }
    let alone = try factor(threads: 1)
    #expect(isSame(try factor(threads: 2).lower, alone.lower))
    let size = (0..<n).reduce(0) { max($0, a[$1, $1]) }
    let product = matrixProduct(alone.lower, alone.lower, transposeB: true)
    // Backward error of a Cholesky factor: at most n + 1 epsilons of the largest diagonal element each (Higham, theorem 10.3).
    #expect(largestDifference(product, a) <= Double(n + 1) * Double.ulpOfOne * size)
    let right = Tensor<Double>.random([n, 600], using: &generator)
    for transposed in [false, true] {
      func solution(threads: Int) -> Tensor<Double> {
        BLASLibrary.withThreads(1) {
          SharedWork.withThreads(threads) { alone.solveTriangle(right, transposed: transposed) }
        }
      }
      let x = solution(threads: 1)
      #expect(isSame(solution(threads: 2), x))
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

  /// Whether two tensors are the same to the bit; the difference itself would take long to print.
  private func isSame(_ a: Tensor<Double>, _ b: Tensor<Double>) -> Bool { a.elements == b.elements }
}

extension Tensor where Element == Double {
  /// A square matrix with 1 added to its diagonal.
  fileprivate func plusIdentity() -> Tensor {
    var result = self
    for i in 0..<shape[0] { result[i, i] += 1 }
    return result
  }
}
