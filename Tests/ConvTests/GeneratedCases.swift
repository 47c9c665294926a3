import Conv
import TensorCore
import TestSupport

/// Geometries drawn at random: odd and prime extents, stride x dilation x asymmetric padding x groups.
struct GeneratedCases {
  var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  /// A geometry over `axes` spatial axes.
  mutating func geometry(axes: Int, groups: Int = 1, largestExtent: Int = 13) -> ConvolutionGeometry {
    while true {
      let kernel = numbers(axes, 1...5)
      let shape = Shape([groups * number(1...7), number(1...7)] + kernel)
      if let geometry = try? ConvolutionGeometry(
        batch: number(1...2), kernelShape: shape, inputExtents: numbers(axes, 1...largestExtent),
        stride: numbers(axes, 1...3), dilation: numbers(axes, 1...3), paddingBefore: numbers(axes, 0...4),
        paddingAfter: numbers(axes, 0...4), groups: groups)
      {
        return geometry
      }
    }
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

  mutating func numbers(_ count: Int, _ range: ClosedRange<Int>) -> [Int] {
    (0..<count).map { _ in number(range) }
  }

  mutating func tensor<E: Scalar>(_ shape: Shape) -> Tensor<E> { .random(shape, using: &generator) }
}

/// The tensor with every element replaced by its absolute value, in Double.
func magnitudes<E: Scalar>(_ tensor: Tensor<E>) -> Tensor<Double> {
  Tensor(shape: tensor.shape, elements: tensor.elements.map { abs(Double($0)) })
}
