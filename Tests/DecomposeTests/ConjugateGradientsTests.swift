import Tensors
import TestSupport
import Testing

@testable import Decompose

@Suite struct ConjugateGradientsTests {
  /// As many steps as there are unknowns solve a system, and so do fewer where a preconditioner leaves few distinct
  /// eigenvalues.
  @Test func systemsAreSolved() throws {
    let diagonal: [Double] = [1, 2, 3, 5, 8]
    func scaled(_ x: Tensor<Double>, by factors: [Double]) -> Tensor<Double> {
      Tensor(shape: x.shape, elements: zip(x.elements, factors).map { $0 * $1 })
    }
    let solution = Tensor<Double>(shape: [5, 1], elements: [1, -2, 0.5, 3, -0.25])
    let wanted = scaled(solution, by: diagonal)
    func solve(_ steps: Int, preconditioner: [Double]) -> Double {
      let found = conjugateGradients(
        from: Tensor(shape: [5, 1]), wanted: wanted, steps: steps, applied: { scaled($0, by: diagonal) },
        preconditioned: { scaled($0, by: preconditioner) })
      return largestDifference(found, solution)
    }
    #expect(solve(5, preconditioner: [1, 1, 1, 1, 1]) < 1e-12)
    #expect(solve(4, preconditioner: [1, 1, 1, 1, 1]) > 1e-6)
    #expect(solve(1, preconditioner: diagonal.map { 1 / $0 }) < 1e-12)
  }

  /// Each step lowers the quadratic, from wherever it starts.
  @Test func everyStepLowersTheQuadratic() {
    let diagonal: [Double] = [0.01, 1, 40]
    func applied(_ x: Tensor<Double>) -> Tensor<Double> {
      Tensor(shape: x.shape, elements: zip(x.elements, diagonal).map { $0 * $1 })
    }
    let wanted = Tensor<Double>(shape: [3, 1], elements: [3, -1, 2])
    let start = Tensor<Double>(shape: [3, 1], elements: [1, 1, 1])
    let values = (0...3).map { steps in
      let x = conjugateGradients(
        from: start, wanted: wanted, steps: steps, applied: applied, preconditioned: { $0 })
      return zip(x.elements, zip(applied(x).elements, wanted.elements)).reduce(0) { sum, pair in
        sum + pair.0 * (pair.1.0 - 2 * pair.1.1)
      }
    }
    for (before, after) in zip(values, values.dropFirst()) { #expect(after < before) }
  }
}
