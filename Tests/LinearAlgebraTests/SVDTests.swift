import LinearAlgebra
import Tensors
import TestSupport
import Testing

@Suite struct SVDTests {
  @Test(arguments: [(1, 1), (1, 7), (7, 1), (5, 5), (13, 6), (6, 13), (40, 41), (0, 3), (3, 0)])
  func thinDecompositionReconstructs(m: Int, n: Int) throws {
    try check(Float.self, m, n)
    try check(Double.self, m, n)
  }

  private func check<E: LapackScalar>(_: E.Type, _ m: Int, _ n: Int) throws {
    var generator = SeededGenerator(seed: 21)
    let a = Tensor<E>.random([m, n], using: &generator)
    let svd = try a.singularValueDecomposition()
    #expect(svd.values == svd.values.sorted(by: >))
    // LAPACK's bound: a modest polynomial in the extents times epsilon times the largest singular value.
    let bound = 10 * Double(max(m, n, 1)) * Double(E.ulpOfOne) * Double(svd.values.first ?? 1)
    let scaled = svd.left.scaledColumns(by: svd.values)
    #expect(largestDifference(naiveProduct(scaled, svd.rightTransposed), a) <= bound)
    #expect(orthonormalityDefect(svd.left) <= 10 * Double(max(m, n, 1)) * Double(E.ulpOfOne))
    #expect(
      orthonormalityDefect(svd.rightTransposed.permuted([1, 0])) <= 10 * Double(max(m, n, 1))
        * Double(E.ulpOfOne))
    let values = try a.singularValues()
    for (x, y) in zip(values, svd.values) { #expect(abs(Double(x) - Double(y)) <= bound) }
    #expect(values.count == min(m, n))
  }

  @Test func aTruncatedDecompositionsErrorIsTheTail() throws {
    var generator = SeededGenerator(seed: 22)
    let a = Tensor<Double>.random([20, 30], using: &generator)
    let all = try a.singularValues()
    for rank in [0, 1, 7, 20] {
      let part = try a.singularValueDecomposition(leading: rank)
      #expect(part.values.count == rank)
      let rebuilt = naiveProduct(part.left.scaledColumns(by: part.values), part.rightTransposed)
      let error = zip(rebuilt.elements, a.elements).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        .squareRoot()
      let tail = all.dropFirst(rank).reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(error - tail) <= 100 * Double.ulpOfOne * all[0])
    }
  }

  @Test func numbersThatAreNotFiniteAreRefused() {
    for bad in [Float.nan, .infinity, -.infinity] {
      var a = Tensor<Float>(shape: [4, 3], repeating: 1)
      a[2, 1] = bad
      #expect(throws: LinearAlgebraError.notFinite(operation: "singular values", extents: [4, 3])) {
        try a.singularValues()
      }
    }
  }
}

extension Tensor {
  fileprivate func scaledColumns(by factors: [Element]) -> Tensor {
    let columns = shape[1]
    return Tensor(shape: shape, elements: elements.enumerated().map { $1 * factors[$0 % columns] })
  }
}
