import Conv
import Tensors

/// The gradient of a kernel at stride 1, without a matrix of patches: for each tap one product of the output's gradient with the
/// input shifted by that tap.
///
///     dL/dK[t, s, k] = sum over q of  G[t, q] X[s, q + shift(k)],    q = ((n D' + z) H' + y) W' + x
///
/// X is the input with its padding, channel by channel with all images side by side, and G the gradient in the same lattice with
/// zeros where no output is: then a tap is one distance in memory, and no element is copied more than once.
///
/// **Complexity** the convolution's multiplies, times what the padding adds to the lattice; a copy of the input and of the
/// gradient.
struct ShiftedProducts {
  /// Three axes; missing ones in front have one element.
  private let axes: [WindowAxis]
  private let groups: Int
  private let inputs: Int
  private let outputs: Int
  /// The elements of the lattice along each axis, and of the outputs.
  private let lattice: [Int]
  private let positions: [Int]

  /// **Traps** for strides.
  init(_ geometry: ConvolutionGeometry, axes: [WindowAxis]) {
    precondition(axes.count <= 3 && axes.allSatisfy { $0.stride == 1 }, "shifts of strided windows")
    self.axes = [WindowAxis](repeating: .one, count: 3 - axes.count) + axes
    (groups, inputs, outputs) = (geometry.groups, geometry.inputChannels, geometry.outputChannels)
    lattice = self.axes.map { $0.before + $0.input + $0.after }
    positions = self.axes.map(\.outputs)
  }

  /// The floats that the copies for one image have.
  var floatsOfImage: Int { (inputs + outputs) * lattice.reduce(1, *) }

  /// The gradient from some images.
  ///
  /// **Shapes** `x` [N, S, ...], `gradient` [N, T, ...]; the result [T, S / groups, K] for K taps.
  func kernelGradient(_ x: Tensor<Float>, _ gradient: Tensor<Float>, images: Range<Int>) -> Tensor<Float> {
    let padded = spread(
      x, channels: inputs, extents: axes.map(\.input), before: axes.map(\.before), images: images)
    let spaced = spread(
      gradient, channels: outputs, extents: positions, before: [0, 0, 0], images: images)
    return padded.withSpan { x in
      spaced.withSpan { g in
        inputs == groups && outputs == groups ? depthwise(x, g, images.count) : products(x, g, images.count)
      }
    }
  }

  /// Maps in the lattice, `[C, images, lattice]`.
  private func spread(
    _ x: Tensor<Float>, channels: Int, extents: [Int], before: [Int], images: Range<Int>
  ) -> Tensor<Float> {
    let size = lattice.reduce(1, *)
    let row = extents[2]
    var result = Tensor<Float>(shape: [channels, images.count * size], repeating: 0)
    x.withSpan { x in
      result.withMutableSpan { result in
        for c in 0..<channels {
          for image in images {
            let start = (c * images.count + image - images.lowerBound) * size
            for z in 0..<extents[0] {
              for y in 0..<extents[1] {
                let from = (((image * channels + c) * extents[0] + z) * extents[1] + y) * row
                let to = start + ((z + before[0]) * lattice[1] + y + before[1]) * lattice[2] + before[2]
                precondition(from + row <= x.count && to + row <= result.count, "a row outside its map")
                for i in 0..<row { result[unchecked: to + i] = x[unchecked: from + i] }
              }
            }
          }
        }
      }
    }
    return result
  }

  /// The distances in the lattice of neighbouring taps along each axis.
  private var steps: [Int] {
    [axes[0].dilation * lattice[1] * lattice[2], axes[1].dilation * lattice[2], axes[2].dilation]
  }

  /// The positions of the lattice up to the last output.
  private func depth(_ images: Int) -> Int {
    (images - 1) * lattice.reduce(1, *)
      + ((positions[0] - 1) * lattice[1] + positions[1] - 1) * lattice[2] + positions[2]
  }

  private func products(_ x: Span<Float>, _ g: Span<Float>, _ images: Int) -> Tensor<Float> {
    let (rows, columns) = (outputs / groups, inputs / groups)
    // Columns are packed in vectors, each operand's rows are read as they are: whichever wastes less.
    let isSwapped = Self.work(rows: columns, columns: rows) < Self.work(rows: rows, columns: columns)
    let stride = images * lattice.reduce(1, *)
    let taps = axes.map(\.kernel)
    let shifted = [columns * stride] + steps
    let still = [rows * stride, 0, 0, 0]
    let product = BatchedProduct(
      batch: [groups] + taps, rows: isSwapped ? columns : rows, depth: depth(images),
      columns: isSwapped ? rows : columns,
      left: MatrixLayout(stride: stride, batchStrides: isSwapped ? shifted : still),
      right: MatrixLayout(stride: stride, isTransposed: true, batchStrides: isSwapped ? still : shifted))
    var workspace = product.makeWorkspace()
    let count = taps.reduce(1, *)
    let byTap = Tensor<Float>(shape: [groups, count, product.rows, product.columns]) { result in
      product.run(isSwapped ? x : g, isSwapped ? g : x, into: &result, workspace: &workspace)
    }
    return byTap.permuted(isSwapped ? [0, 3, 2, 1] : [0, 2, 3, 1]).reshaped([outputs, columns, count])
  }

  /// About what a product of matrices takes: the multiplies of whole vectors, and some of them more for each row.
  private static func work(rows: Int, columns: Int) -> Int { (columns + 15) / 16 * 16 * (rows + 8) }

  private func depthwise(_ x: Span<Float>, _ g: Span<Float>, _ images: Int) -> Tensor<Float> {
    let (stride, depth, steps) = (images * lattice.reduce(1, *), depth(images), steps)
    let taps = axes.map(\.kernel)
    let count = taps.reduce(1, *)
    return Tensor(shape: [outputs, 1, count]) { result in
      for c in 0..<outputs {
        let gradient = g.extracting(c * stride..<c * stride + depth)
        for tap in 0..<count {
          let shift =
            tap / (taps[1] * taps[2]) * steps[0] + tap / taps[2] % taps[1] * steps[1]
            + tap % taps[2] * steps[2]
          result[c * count + tap] = gradient.dot(
            x.extracting(c * stride + shift..<c * stride + shift + depth))
        }
      }
    }
  }
}

extension Span<Float> {
  /// The sum of products with another span, of sixteen that go side by side.
  ///
  /// **Traps** where the counts differ.
  fileprivate func dot(_ other: Span<Float>) -> Float {
    precondition(count == other.count, "\(count) elements times \(other.count)")
    var lanes = SIMD16<Float>()
    var i = 0
    while i + 16 <= count {
      var (a, b) = (SIMD16<Float>(), SIMD16<Float>())
      for lane in 0..<16 {
        a[lane] = self[unchecked: i + lane]
        b[lane] = other[unchecked: i + lane]
      }
      lanes += a * b
      i += 16
    }
    var rest: Float = 0
    while i < count {
      rest += self[unchecked: i] * other[unchecked: i]
      i += 1
    }
    return lanes.sum() + rest
  }
}
