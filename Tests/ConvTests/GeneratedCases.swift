import Conv
import Forms
import Tensors
import TestSupport

/// Geometries drawn at random: odd and prime extents, stride above and below the kernel x dilation x asymmetric padding up
/// to more than the kernel x groups x batch.
struct GeneratedCases {
  var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  /// A geometry over `axes` spatial axes.
  mutating func geometry(axes: Int, groups: Int = 1, largestExtent: Int = 13) -> ConvolutionGeometry {
    while true {
      let kernel = numbers(axes, 1...5)
      let shape = Shape([groups * number(1...7), number(1...7)] + kernel)
      let dilation = numbers(axes, 1...3)
      var extents = numbers(axes, 1...largestExtent)
      // Rows enough for many bands, also behind a large stride.
      if axes == 2, number(0...1) == 0 { extents[0] = number(20...41) }
      // One geometry in four has room for nothing but padding at its ends.
      let most = number(0...3) == 0 ? zip(kernel, dilation).map { ($0 - 1) * $1 + 3 } : kernel.map { _ in 4 }
      if let geometry = try? ConvolutionGeometry(
        batch: number(1...3), kernelShape: shape, inputExtents: extents,
        stride: numbers(axes, 1...4), dilation: dilation, paddingBefore: most.map { number(0...$0) },
        paddingAfter: most.map { number(0...$0) }, groups: groups)
      {
        return geometry
      }
    }
  }

  /// A convolution of stride 1 with that kernel, with enough channels and positions for whole tiles and vectors.
  mutating func geometry(height: Int, width: Int) -> ConvolutionGeometry {
    while true {
      let (shape, kernel) = (Shape([number(1...40), number(1...40), height, width]), [height, width])
      if let geometry = try? ConvolutionGeometry(
        batch: number(1...2), kernelShape: shape, inputExtents: numbers(2, 1...19),
        paddingBefore: kernel.map { number(0...($0 - 1)) }, paddingAfter: kernel.map { number(0...($0 + 1)) })
      {
        return geometry
      }
    }
  }

  /// A depthwise convolution; half of them of the squares that have kernels of their own.
  mutating func depthwiseGeometry() -> ConvolutionGeometry {
    while true {
      let channels = number(2...40)
      let square = number(0...1) == 0
      let (side, step) = (2 * number(1...2) + 1, number(1...2))
      let kernel = square ? [side, side] : numbers(2, 1...5)
      if let geometry = try? ConvolutionGeometry(
        batch: number(1...2), kernelShape: Shape([channels, 1] + kernel), inputExtents: numbers(2, 1...17),
        stride: square ? [step, step] : numbers(2, 1...4), dilation: square ? [1, 1] : numbers(2, 1...3),
        paddingBefore: numbers(2, 0...6), paddingAfter: numbers(2, 0...6), groups: channels)
      {
        return geometry
      }
    }
  }

  /// Every form that the kernel has, with ranks drawn at random.
  mutating func forms(of geometry: ConvolutionGeometry) -> [FactoredForm] {
    let rank = number(1...20)
    let forms: [FactoredForm] = [
      .dense, .tucker2(outputRank: number(1...20), inputRank: number(1...20)), .cp3(rank: rank),
      .cp4(rank: rank), .spatial(rank: rank), .spatial(rank: rank, mirrored: true), .channel(rank: rank),
      .channel(rank: rank, mirrored: true), .svd(rank: rank),
    ]
    return forms.filter { $0.fits(kernel: geometry.kernelShape) }
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

  mutating func numbers(_ count: Int, _ range: ClosedRange<Int>) -> [Int] {
    (0..<count).map { _ in number(range) }
  }

  mutating func tensor<E: Scalar>(_ shape: Shape) -> Tensor<E> { .random(shape, using: &generator) }

  /// Integers from -2 to 2: their sums and products are exact, so that not a bit of a result may differ.
  mutating func integers<E: Scalar>(_ shape: Shape) -> Tensor<E> {
    Tensor(shape: shape, elements: (0..<shape.count).map { _ in E(Double(number(-2...2))) })
  }
}

/// The tensor with every element replaced by its absolute value, in Double.
func magnitudes<E: Scalar>(_ tensor: Tensor<E>) -> Tensor<Double> {
  Tensor(shape: tensor.shape, elements: tensor.elements.map { abs(Double($0)) })
}
