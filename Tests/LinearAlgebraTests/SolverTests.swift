import LinearAlgebra
import Tensors
import TestSupport
import Testing

@Suite struct SolverTests {
  @Test(arguments: [1, 2, 5, 33])
  func symmetricEigendecomposition(n: Int) throws {
    var generator = SeededGenerator(seed: 31)
    let b = Tensor<Double>.random([n, n], using: &generator)
    let a = matrixProduct(b, b, transposeB: true)
    let all = try a.symmetricEigendecomposition()
    #expect(all.values == all.values.sorted(by: >))
    #expect(orthonormalityDefect(all.vectors) <= 10 * Double(n) * Double.ulpOfOne)
    let bound = 10 * Double(n) * Double.ulpOfOne * (all.values.first ?? 1)
    for (x, y) in zip(try a.symmetricEigenvalues(), all.values) { #expect(abs(x - y) <= bound) }
    for rank in Set([0, 1, n / 2, n]) {
      let part = try a.symmetricEigendecomposition(leading: rank)
      #expect(part.vectors.shape == [n, rank])
      // A V = V diag(w)
      let left = matrixProduct(a, part.vectors)
      for i in 0..<n {
        for j in 0..<rank { #expect(abs(left[i, j] - part.vectors[i, j] * part.values[j]) <= bound) }
      }
      for (x, y) in zip(part.values, all.values) { #expect(abs(x - y) <= bound) }
    }
  }

  @Test func onlyTheUpperTriangleIsRead() throws {
    let upper = Tensor<Double>(shape: [2, 2], elements: [2, 1, 99, 2])
    let values = try upper.symmetricEigenvalues()
    #expect(abs(values[0] - 3) < 1e-14 && abs(values[1] - 1) < 1e-14)
  }

  @Test(arguments: [(1, 1), (5, 3), (9, 9), (40, 7)])
  func qrReconstructsWithOrthonormalColumns(m: Int, n: Int) throws {
    var generator = SeededGenerator(seed: 32)
    let a = Tensor<Float>.random([m, n], using: &generator)
    let (q, r) = try a.qrDecomposition()
    let bound = 10 * Double(m * n) * Double(Float.ulpOfOne)
    #expect(largestDifference(naiveProduct(q, r), a) <= bound)
    #expect(orthonormalityDefect(q) <= bound)
    for i in 0..<n { for j in 0..<i { #expect(r[i, j] == 0) } }
  }

  @Test func choleskySolvesAndRefusesWhatIsNotPositiveDefinite() throws {
    var generator = SeededGenerator(seed: 33)
    let b = Tensor<Double>.random([8, 12], using: &generator)
    let a = matrixProduct(b, b, transposeB: true)
    let x = Tensor<Double>.random([8, 3], using: &generator)
    let factor = try a.choleskyDecomposition()
    #expect(largestDifference(naiveProduct(factor.lower, factor.lower.permuted([1, 0])), a) < 1e-13)
    let solved = factor.solve(matrixProduct(a, x))
    // Forward error: condition times epsilon; the condition is known from the eigenvalues.
    let w = try a.symmetricEigenvalues()
    #expect(largestDifference(solved, x) <= 100 * w[0] / w[7] * Double.ulpOfOne)
    let indefinite = Tensor<Double>(shape: [2, 2], elements: [1, 2, 2, 1])
    #expect(throws: LinearAlgebraError.notComputed(routine: "potrf", info: 2, extents: [2, 2])) {
      try indefinite.choleskyDecomposition()
    }
  }

  @Test func leastSquaresOfLeastNorm() throws {
    var generator = SeededGenerator(seed: 34)
    for (m, n) in [(9, 4), (4, 9), (6, 6)] {
      let a = Tensor<Double>.random([m, n], using: &generator)
      let x = Tensor<Double>.random([n, 2], using: &generator)
      let b = matrixProduct(a, x)
      let (solution, rank) = try a.leastSquares(b)
      #expect(rank == min(m, n))
      #expect(largestDifference(matrixProduct(a, solution), b) < 1e-12)
      #expect(solution.squaredNorm <= x.squaredNorm * (1 + 1e-12))
    }
    // A rank-1 matrix.
    let a = Tensor<Double>(shape: [3, 2], elements: [1, 2, 2, 4, 3, 6])
    let (solution, rank) = try a.leastSquares(Tensor(shape: [3, 1], elements: [1, 2, 3]))
    #expect(rank == 1)
    #expect(abs(solution[0, 0] - 0.2) < 1e-14 && abs(solution[1, 0] - 0.4) < 1e-14)
  }
}
