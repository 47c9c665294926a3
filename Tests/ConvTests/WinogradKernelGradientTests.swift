import Tensors
import TestSupport
import Testing

@testable import Conv

/// The gradient of a 3 x 3 kernel by tiles, against sums of products in Double.
@Suite struct WinogradKernelGradientTests {
  /// Channels that fill no vector, tiles beyond the maps, padding beyond the kernel, several images, blocks of outputs, and
  /// in the last of them parts of tiles that add up.
  @Test(arguments: [
    (1, 16, 16, [4, 4], [0, 0]), (2, 16, 19, [9, 6], [1, 1]), (3, 21, 16, [11, 13], [0, 1]),
    (1, 17, 33, [3, 4], [2, 2]), (1, 40, 131, [7, 18], [5, 4]), (2, 400, 150, [9, 5], [1, 1]),
    (1, 16, 18, [60, 61], [1, 0]), (3, 200, 150, [22, 20], [1, 1]),
  ])
  func equalsItsDefinition(images: Int, inputs: Int, outputs: Int, extents: [Int], padding: [Int]) throws {
    let geometry = try ConvolutionGeometry(
      batch: images, kernelShape: [outputs, inputs, 3, 3], inputExtents: extents, paddingBefore: padding,
      paddingAfter: padding.map { max(0, $0 - 1) })
    var generator = SeededGenerator(seed: 11)
    let x = generator.tensor(geometry.inputShape, of: Float.self)
    let gradient = generator.tensor(geometry.outputShape, of: Float.self)
    let exact = Self.definition(geometry, x, gradient)
    // A sum of n products of random numbers up to 1 stands at sqrt(k) / 3 after k of them; its roundings to 2^-24 of that add up
    // like the root of their squares, to n / (3 sqrt 2), some ten times as large in Winograd's form, where n are the positions of
    // all tiles. Five times that is more than the largest of some thousands.
    let count = geometry.outputExtents.reduce(images) { $0 * (($1 + 3) / 4 * 4) }
    let bound = 50 * 0x1p-24 * Double(count) / (3 * 2.0.squareRoot())
    for variant in KernelVariant.available {
      let tiles = try #require(
        WinogradKernelGradient(geometry, options: MatrixProductOptions(variant: variant)))
      let made = tiles.run(x, gradient)
      #expect(made.shape == geometry.kernelShape)
      // A NaN is less than nothing.
      let differences = zip(made.elements, exact).map { abs(Double($0) - $1) }
      #expect(differences.allSatisfy { $0 < bound }, "\(variant): \(differences.max() ?? 0) of \(bound)")
    }
  }

  @Test func otherConvolutionsAreLeftToOthers() throws {
    func tiles(_ kernel: Shape, stride: Int = 1, dilation: Int = 1, groups: Int = 1) throws
      -> WinogradKernelGradient?
    {
      WinogradKernelGradient(
        try ConvolutionGeometry(
          kernelShape: kernel, inputExtents: [9, 9], stride: [stride, stride],
          dilation: [dilation, dilation],
          groups: groups))
    }
    #expect(try tiles([16, 16, 3, 3]) != nil)
    #expect(try tiles([16, 15, 3, 3]) == nil)
    #expect(try tiles([15, 16, 3, 3]) == nil)
    #expect(try tiles([16, 16, 5, 5]) == nil)
    #expect(try tiles([16, 16, 3, 3], stride: 2) == nil)
    #expect(try tiles([16, 16, 3, 3], dilation: 2) == nil)
    #expect(try tiles([32, 16, 3, 3], groups: 2) == nil)
  }

  /// `dL/dK[t, s, k] = sum over n, p of  dL/dY[n, t, p] x[n, s, p + k - padding]`
  private static func definition(
    _ geometry: ConvolutionGeometry, _ x: Tensor<Float>, _ gradient: Tensor<Float>
  ) -> [Double] {
    let (x, g) = (x.elements.map(Double.init), gradient.elements.map(Double.init))
    let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
    let (height, width) = (geometry.inputExtents[0], geometry.inputExtents[1])
    let (rows, columns) = (geometry.outputExtents[0], geometry.outputExtents[1])
    var result = [Double](repeating: 0, count: outputs * inputs * 9)
    for n in 0..<geometry.batch {
      for t in 0..<outputs {
        for s in 0..<inputs {
          for k in 0..<9 {
            var sum = 0.0
            for row in 0..<rows {
              let y = row + k / 3 - geometry.paddingBefore[0]
              guard (0..<height).contains(y) else { continue }
              for column in 0..<columns {
                let place = column + k % 3 - geometry.paddingBefore[1]
                guard (0..<width).contains(place) else { continue }
                sum +=
                  g[((n * outputs + t) * rows + row) * columns + column]
                  * x[((n * inputs + s) * height + y) * width + place]
              }
            }
            result[(t * inputs + s) * 9 + k] += sum
          }
        }
      }
    }
    return result
  }
}
