import Tensors

/// A convolution over three axes by plain loops, in Double.
struct ConvolutionDefinition: Sendable {
  var stride = [1, 1, 1]
  var dilation = [1, 1, 1]
  var before = [0, 0, 0]
  var after = [0, 0, 0]
  var groups = 1

  /// **Shapes** x [N, S, D, H, W], w [T, S / groups, a, b, c], bias [T].
  func callAsFunction(_ x: Tensor<Double>, _ w: Tensor<Double>, _ bias: [Double]?) -> (Shape, [Double]) {
    let (xs, ws) = (x.shape.extents, w.shape.extents)
    let output = (0..<3).map { axis -> Int in
      let room = xs[2 + axis] + before[axis] + after[axis] - dilation[axis] * (ws[2 + axis] - 1)
      return (room - 1) / stride[axis] + 1
    }
    let positions = output.reduce(1, *)
    let shape = Shape([xs[0], ws[0]] + output)
    var y = (0..<shape.count).map { bias?[$0 / positions % ws[0]] ?? 0 }
    let (from, weights) = (x.elements, w.elements)
    forEachProduct(xs, ws, output) { y[$2] += from[$0] * weights[$1] }
    return (shape, y)
  }

  /// The transposed convolution: the same products, from y to x. **Shapes** y [N, T, ...], the result [N, S, extents...].
  func transposed(
    _ y: Tensor<Double>, _ w: Tensor<Double>, _ bias: [Double]?, extents: [Int]
  ) -> [Double] {
    let ws = w.shape.extents
    let xs = [y.shape[0], ws[1] * groups] + extents
    let positions = extents.reduce(1, *)
    var x = (0..<xs.reduce(1, *)).map { bias?[$0 / positions % xs[1]] ?? 0 }
    let (from, weights) = (y.elements, w.elements)
    forEachProduct(xs, ws, Array(y.shape.extents.dropFirst(2))) { x[$0] += from[$2] * weights[$1] }
    return x
  }

  /// The gradient of the kernel: the same products, from x and the gradient of y.
  ///
  /// **Shapes** x [N, S, D, H, W], y [N, T, ...], `kernel` [T, S / groups, a, b, c].
  func kernelGradient(_ x: Tensor<Double>, _ y: Tensor<Double>, kernel: Shape) -> [Double] {
    var w = [Double](repeating: 0, count: kernel.count)
    let (from, gradient) = (x.elements, y.elements)
    forEachProduct(x.shape.extents, kernel.extents, Array(y.shape.extents.dropFirst(2))) {
      w[$1] += from[$0] * gradient[$2]
    }
    return w
  }

  private func forEachProduct(_ xs: [Int], _ ws: [Int], _ output: [Int], _ body: (Int, Int, Int) -> Void) {
    let (outputs, inputs) = (ws[0] / groups, ws[1])
    var (place, tap) = (0, 0)
    for n in 0..<xs[0] {
      for t in 0..<ws[0] {
        for o in 0..<output[0] {
          for p in 0..<output[1] {
            for q in 0..<output[2] {
              tap = t * inputs * ws[2] * ws[3] * ws[4]
              for s in 0..<inputs {
                let map = n * xs[1] + t / outputs * inputs + s
                for a in 0..<ws[2] {
                  let i = o * stride[0] + a * dilation[0] - before[0]
                  for b in 0..<ws[3] {
                    let j = p * stride[1] + b * dilation[1] - before[1]
                    for c in 0..<ws[4] {
                      let k = q * stride[2] + c * dilation[2] - before[2]
                      if i >= 0, i < xs[2], j >= 0, j < xs[3], k >= 0, k < xs[4] {
                        body(((map * xs[2] + i) * xs[3] + j) * xs[4] + k, tap, place)
                      }
                      tap += 1
                    }
                  }
                }
              }
              place += 1
            }
          }
        }
      }
    }
  }
}

extension Tensor where Element == Double {
  /// An element by its place.
  func elementAt(_ place: Int) -> Double { withSpan { $0[place] } }
}

/// Windows of a pool over two axes by plain loops: the elements of each inside the input, and how many it covers with padding.
func poolWindows(
  _ x: Tensor<Double>, kernel: [Int], stride: [Int], before: [Int], after: [Int], roundsUp: Bool = false
) -> [(inside: [Double], covered: Int)] {
  let xs = x.shape.extents
  let output = (0..<2).map { axis in
    let room = xs[2 + axis] + before[axis] + after[axis] - kernel[axis]
    var count = (roundsUp ? (room + stride[axis] - 1) / stride[axis] : room / stride[axis]) + 1
    if roundsUp, (count - 1) * stride[axis] >= xs[2 + axis] + before[axis] { count -= 1 }
    return count
  }
  var windows: [(inside: [Double], covered: Int)] = []
  for map in 0..<xs[0] * xs[1] {
    for p in 0..<output[0] * output[1] {
      let o = [p / output[1], p % output[1]]
      var (inside, covered) = ([Double](), 0)
      for k in 0..<kernel[0] * kernel[1] {
        let y = o[0] * stride[0] + k / kernel[1] - before[0]
        let z = o[1] * stride[1] + k % kernel[1] - before[1]
        if y < xs[2] + after[0], z < xs[3] + after[1] { covered += 1 }
        guard y >= 0, z >= 0, y < xs[2], z < xs[3] else { continue }
        inside.append(x.elementAt((map * xs[2] + y) * xs[3] + z))
      }
      windows.append((inside, covered))
    }
  }
  return windows
}

/// The element of a tensor at indices, repeated along axes of one element.
func repeated(_ x: Tensor<Double>, to shape: Shape) -> [Double] {
  let missing = shape.order - x.shape.order
  return (0..<shape.count).map { place in
    var (rest, from, step) = (place, 0, 1)
    for axis in (0..<shape.order).reversed() {
      let index = rest % shape[axis]
      rest /= shape[axis]
      guard axis >= missing else { continue }
      if x.shape[axis - missing] != 1 { from += index * step }
      step *= x.shape[axis - missing]
    }
    return x.elementAt(from)
  }
}

/// `C = A B` of batches of matrices, by plain loops.
func products(_ a: [Double], _ b: [Double], batch: Int, _ m: Int, _ k: Int, _ n: Int) -> [Double] {
  var c = [Double](repeating: 0, count: batch * m * n)
  for q in 0..<batch {
    for i in 0..<m {
      for l in 0..<k {
        for j in 0..<n { c[(q * m + i) * n + j] += a[(q * m + i) * k + l] * b[(q * k + l) * n + j] }
      }
    }
  }
  return c
}
