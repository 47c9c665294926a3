import LinearAlgebra
import Tensors
import Testing

@Suite struct NormTests {
  /// Sums of squares of integers, which come out exact: of every length about the vectors that the loop takes at once.
  @Test func sumsOfSquaresCountEveryElement() {
    for count in 0...40 {
      let integers = (0..<count).map { $0 + 1 }
      let expected = Double(integers.reduce(0) { $0 + $1 * $1 })
      #expect(Tensor<Float>(shape: [count], elements: integers.map { Float($0) }).squaredNorm == expected)
      #expect(Tensor<Double>(shape: [count], elements: integers.map { Double($0) }).squaredNorm == expected)
    }
  }
}
