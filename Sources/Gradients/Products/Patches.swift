import Tensors

/// The matrix of patches of a convolution (im2col), and its transpose (col2im), over up to three spatial axes.
///
///     P[(s, k), (n, p)] = x[n, s, p stride + k dilation - padding],   0 outside
///
/// **Shapes** x [N, S, D, H, W]; P [S K, n H'W'] for n of the images, K the taps of the kernel.
///
/// **Complexity** each element of P is written or read once, in runs along the last axis.
struct Patches: Sendable {
  let channels: Int
  /// Three of them; missing ones in front have one element.
  private let axes: [WindowAxis]
  private let outputs: [Int]

  init(channels: Int, axes: [WindowAxis]) {
    precondition(axes.count <= 3, "windows over \(axes.count) axes")
    self.channels = channels
    self.axes = [WindowAxis](repeating: .one, count: 3 - axes.count) + axes
    outputs = self.axes.map(\.outputs)
  }

  /// The positions of an output.
  var positions: Int { outputs[0] * outputs[1] * outputs[2] }
  /// The lines of an output: positions that lie side by side along the last axis.
  var lines: Int { outputs[0] * outputs[1] }
  /// The positions of a line.
  var line: Int { outputs[2] }
  /// The rows of P.
  var rows: Int { channels * axes.reduce(1) { $0 * $1.kernel } }
  private var inputPositions: Int { axes.reduce(1) { $0 * $1.input } }

  /// The matrix of some lines of some images.
  ///
  /// **Shapes** [S K, n L] for L positions on those lines.
  func matrix(_ x: Tensor<Float>, images: Range<Int>, lines: Range<Int>) -> Tensor<Float> {
    var result = Tensor<Float>(shape: [rows, images.count * lines.count * line], repeating: 0)
    x.withSpan { x in
      result.withMutableSpan { target in
        forEachRun(images, lines) { source, step, place, count in
          if step == 1 {
            for i in 0..<count { target[unchecked: place &+ i] = x[unchecked: source &+ i] }
          } else {
            for i in 0..<count { target[unchecked: place &+ i] = x[unchecked: source &+ i &* step] }
          }
        }
      }
    }
    return result
  }

  /// Adds the elements of a matrix of one image to where they come from.
  ///
  /// **Shapes** `matrix` [S K, H'W'], `x` [N, S, D, H, W].
  func add(_ matrix: Tensor<Float>, to x: inout Tensor<Float>, image: Int) {
    precondition(matrix.count == rows * positions, "patches of \(matrix.shape) for \(rows) x \(positions)")
    matrix.withSpan { matrix in
      x.withMutableSpan { x in
        forEachRun(image..<image + 1, 0..<lines) { target, step, place, count in
          if step == 1 {
            for i in 0..<count { x[unchecked: target &+ i] += matrix[unchecked: place &+ i] }
          } else {
            for i in 0..<count { x[unchecked: target &+ i &* step] += matrix[unchecked: place &+ i] }
          }
        }
      }
    }
  }

  /// Goes over the runs of elements that lie inside: where one begins in x, the step there, where it begins in P, its length.
  @inline(__always)
  private func forEachRun(
    _ images: Range<Int>, _ chosen: Range<Int>, _ body: (Int, Int, Int, Int) -> Void
  ) {
    let (outer, middle, inner) = (axes[0], axes[1], axes[2])
    let size = chosen.count * line
    let width = images.count * size
    var row = 0
    for channel in 0..<channels {
      for a in 0..<outer.kernel {
        let planes = outer.inside(tap: a, outputs: outputs[0])
        for b in 0..<middle.kernel {
          let lines = middle.inside(tap: b, outputs: outputs[1])
          for c in 0..<inner.kernel {
            let run = inner.inside(tap: c, outputs: outputs[2])
            let shift = run.lowerBound * inner.stride + c * inner.dilation - inner.before
            for image in images where !run.isEmpty {
              let from = (image * channels + channel) * inputPositions
              let to = row * width + (image - images.lowerBound) * size + run.lowerBound
              for plane in planes {
                let first = plane * outputs[1]
                let z = plane * outer.stride + a * outer.dilation - outer.before
                for place in lines.clamped(to: chosen.lowerBound - first..<chosen.upperBound - first) {
                  let y = place * middle.stride + b * middle.dilation - middle.before
                  body(
                    from + (z * middle.input + y) * inner.input + shift, inner.stride,
                    to + (first + place - chosen.lowerBound) * line, run.count)
                }
              }
            }
            row += 1
          }
        }
      }
    }
  }
}
