import LinearAlgebra
import Tensors
import TestSupport
import Testing

@Suite struct SubspaceTests {
  /// A matrix whose Gram matrix has eigenvalues that fall by half each.
  private func decaying<E: Scalar>(_: E.Type, rows: Int, columns: Int, seed: UInt64) throws -> Tensor<E> {
    var generator = SeededGenerator(seed: seed)
    let u = try Tensor<Double>.random([rows, rows], using: &generator).qrDecomposition().q
    let v = Tensor<Double>.random([rows, columns], using: &generator)
    let scaled = Tensor<Double>(
      shape: u.shape, elements: u.elements.enumerated().map { $1 * power(0.7, $0 % rows) })
    return naiveProduct(scaled, v).converted()
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1.0) { product, _ in product * base }
  }

  @Test func gramMatricesFromBothSides() throws {
    let matrix = try decaying(Float.self, rows: 13, columns: 37, seed: 31)
    let left = naiveProduct(matrix, matrix.permuted([1, 0]))
    let right = naiveProduct(matrix.permuted([1, 0]), matrix)
    // Sums of at most 37 products of numbers of size a few.
    #expect(largestDifference(matrix.matrixTimesTranspose(), left) < 1e-4)
    #expect(largestDifference(matrix.transposeTimesMatrix(), right) < 1e-4)
  }

  @Test func dominantRowsAreTheLeadingEigenvectorsInOrder() throws {
    let gram = try decaying(Double.self, rows: 30, columns: 200, seed: 32).matrixTimesTranspose()
    let eigen = try gram.symmetricEigendecomposition()
    var generator = SeededGenerator(seed: 33)
    let start = try Tensor<Double>.random([12, 30], using: &generator).orthonormalizedRows()
    let (rows, values) = try gram.dominantRows(from: start, iterations: 30)
    #expect(orthonormalityDefect(rows.permuted([1, 0])) < 1e-10)
    for i in 0..<4 {
      #expect(abs(values[i] - eigen.values[i]) < 1e-9 * eigen.values[0])
      let overlap = (0..<30).reduce(0) { $0 + rows[i, $1] * eigen.vectors[$1, i] }
      #expect(abs(abs(overlap) - 1) < 1e-9)
    }
    // One step more never captures less.
    let one = try gram.dominantRows(from: start, iterations: 1).values.reduce(0, +)
    let two = try gram.dominantRows(from: start, iterations: 2).values.reduce(0, +)
    #expect(two >= one)
  }

  @Test(arguments: [1.0, 1e-1, 1e-2, 1e-3, 1e-6, 0])
  func rowsBecomeOrthonormalHoweverDependent(distance: Double) throws {
    var generator = SeededGenerator(seed: 34)
    let base = Tensor<Double>.random([1, 50], using: &generator)
    let noise = Tensor<Double>.random([8, 50], using: &generator)
    let rows = Tensor<Float>(
      shape: [8, 50],
      elements: noise.elements.enumerated().map { Float(base.elements[$0 % 50] + distance * $1) })
    let result = try rows.orthonormalizedRows()
    #expect(orthonormalityDefect(result.permuted([1, 0])) < 1000 * Double(Float.ulpOfOne))
  }

  /// The reciprocal of a row of 1e-40 is no Float, the square of one of 1e-200 no Double.
  @Test func rowsOfAnyLengthBecomeOrthonormal() throws {
    try check([1, 4e3 * .leastNonzeroMagnitude, 1e37, 1e-30, .leastNonzeroMagnitude, 0, 1e20, 0] as [Float])
    try check([1, 1e-200, 1e300, 1e-160, .leastNonzeroMagnitude, 0, 1e160, 0] as [Double])
  }

  private func check<E: LapackScalar>(_ lengths: [E]) throws {
    var generator = SeededGenerator(seed: 36)
    var rows = Tensor<E>.random([lengths.count, 20], using: &generator)
    rows.withMutableSpan { span in
      for i in span.indices { span[i] *= lengths[i / 20] }
    }
    let result = try rows.orthonormalizedRows()
    #expect(orthonormalityDefect(result.permuted([1, 0])) < 1000 * Double(E.ulpOfOne))
    // The first rows span what they did: the third lies in the first three, whatever their lengths.
    let unit = rows.elements[40..<60].map { Double($0 / lengths[2]) }
    let norm = unit.reduce(0) { $0 + $1 * $1 }
    let inside = (0..<3).reduce(0.0) { sum, r in
      let part = (0..<20).reduce(0.0) { $0 + unit[$1] * Double(result[r, $1]) }
      return sum + part * part
    }
    #expect(abs(inside - norm) < 1000 * Double(E.ulpOfOne) * norm)
  }

  @Test func routinesOnPointersAgreeWithPlainLoops() throws {
    var generator = SeededGenerator(seed: 35)
    let (n, k) = (9, 5)
    let a = Tensor<Double>.random([n, 20], using: &generator)
    let b = Tensor<Double>.random([n, k], using: &generator)
    var normal = naiveProduct(a, a.permuted([1, 0]))
    let full = normal
    var solution = b
    let solved = normal.withMutableBuffer { normal in
      solution.withMutableBuffer { solution -> Bool in
        guard let u = normal.baseAddress, let x = solution.baseAddress else { return false }
        // The lower triangle must not be read.
        for i in 0..<n {
          for j in 0..<i { u[i * n + j] = .nan }
        }
        guard choleskyUpperInPlace(n: n, u, lda: n) else { return false }
        solveCholeskyUpper(m: n, n: k, upper: u, ldu: n, b: x, ldb: k)
        return true
      }
    }
    #expect(solved)
    #expect(largestDifference(naiveProduct(full, solution), b) < 1e-11)

    var updated = full
    var products = Tensor<Double>(shape: [1, n])
    updated.withMutableBuffer { m in
      products.withMutableBuffer { y in
        b.withBuffer { b in
          guard let m = m.baseAddress, let y = y.baseAddress, let b = b.baseAddress else { return }
          gemv(transposed: true, m: n, n: n, a: m, lda: n, x: b, y: y)
          ger(m: n, n: n, alpha: 2, x: y, y: b, a: m, lda: n)
        }
      }
    }
    let vector = Tensor<Double>(shape: [1, n], elements: b.elements.prefix(n))
    let expected = naiveProduct(vector, full)
    #expect(largestDifference(products, expected) < 1e-12)
    #expect(abs(updated[2, 3] - full[2, 3] - 2 * expected[0, 2] * vector[0, 3]) < 1e-12)
  }
}
