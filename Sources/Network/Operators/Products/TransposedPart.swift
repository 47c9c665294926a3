import Conv
import Tensors

/// Ordinary convolutions that a transposed one consists of, stacked as the output channels of one.
///
/// With o + before = q stride + r, the outputs of one rest r along each axis, a phase, are
///
///     Y[q stride + r - before] = sum over j of W[k] X[q - j],  k dilation = j stride + r
///
/// which is a convolution of its own, with the taps in the other order.
struct TransposedPart: Sendable {
  /// The rests along each axis, a list for each phase.
  let phases: [[Int]]
  /// The least and the largest j of all phases, along each axis.
  let least: [Int]
  let most: [Int]
  /// `[phases x T, S / groups, taps...]`, channels of a phase side by side.
  let weights: Tensor<Float>
  let bias: Tensor<Float>?
  let groups: Int

  /// The taps of a phase along an axis: k and j.
  static func taps(_ rest: Int, axis: Int, _ window: WindowGeometry) -> [(k: Int, j: Int)] {
    (0..<window.kernel[axis]).compactMap { k in
      let place = k * window.dilation[axis] - rest
      return place >= 0 && place % window.stride[axis] == 0 ? (k, place / window.stride[axis]) : nil
    }
  }

  /// The bytes of the parts' weights at most, whose kernels dilations stretch; nil where they are more than there are numbers.
  static func byteCount(_ weights: Shape, _ window: WindowGeometry) -> Int? {
    let phases = window.stride.reduce(CheckedInteger(1)) { $0 * CheckedInteger($1) }
    return window.kernel.indices.reduce(phases * CheckedInteger(4 * weights[0]) * CheckedInteger(weights[1]))
    {
      let reach = CheckedInteger(window.kernel[$1] - 1) * CheckedInteger(window.dilation[$1])
      return $0 * (reach / CheckedInteger(window.stride[$1]) + 1)
    }.value
  }

  /// All phases as one convolution where they have nearly the same taps, else one for each.
  static func parts(
    weights: Tensor<Float>, bias: Tensor<Float>?, groups: Int, _ window: WindowGeometry
  ) -> [TransposedPart] {
    let phases = window.stride.reduce([[]]) { lists, stride in
      lists.flatMap { list in (0..<stride).map { list + [$0] } }
    }
    let single = phases.map { TransposedPart([$0], weights, bias, groups, window) }
    guard groups == 1, phases.count > 1 else { return single }
    let all = TransposedPart(phases, weights, bias, groups, window)
    // A tap that some phases do not have is multiplied by zero: worth it for one larger product, up to a third more.
    let separate = single.reduce(0) { $0 + $1.weights.count }
    return 3 * all.weights.count <= 4 * separate ? [all] : single
  }

  /// **Shapes** `weights` [S, T / groups, kernel...], `bias` [T].
  private init(
    _ phases: [[Int]], _ weights: Tensor<Float>, _ bias: Tensor<Float>?, _ groups: Int,
    _ window: WindowGeometry
  ) {
    self.phases = phases
    self.groups = groups
    var (least, most) = ([Int](), [Int]())
    for axis in window.kernel.indices {
      let places = Set(phases.map { $0[axis] }).flatMap { Self.taps($0, axis: axis, window).map(\.j) }
      least.append(places.min() ?? 0)
      most.append(places.max() ?? 0)
    }
    (self.least, self.most) = (least, most)
    let (inputs, outputs) = (weights.shape[0] / groups, weights.shape[1])
    let extents = zip(least, most).map { $1 - $0 + 1 }
    let target = Shape([phases.count * outputs * groups, inputs] + extents)
    let (from, to) = (weights.shape.strides, target.strides)
    let source = weights.elements
    var elements = [Float](repeating: 0, count: target.count)
    for (number, phase) in phases.enumerated() {
      // The places of each tap in the one and in the other kernel.
      var places = [(from: 0, to: 0)]
      for axis in phase.indices {
        let taps = Self.taps(phase[axis], axis: axis, window)
        places = places.flatMap { place in
          taps.map { tap in
            (place.from + tap.k * from[axis + 2], place.to + (most[axis] - tap.j) * to[axis + 2])
          }
        }
      }
      for group in 0..<groups {
        for output in 0..<outputs {
          let row = ((number * groups + group) * outputs + output) * to[0]
          for input in 0..<inputs {
            let column = (group * inputs + input) * from[0] + output * from[1]
            for place in places { elements[row + input * to[1] + place.to] = source[column + place.from] }
          }
        }
      }
    }
    self.weights = Tensor(shape: target, elements: elements)
    self.bias = bias.map { bias in
      Tensor(
        shape: [phases.count * bias.count],
        elements: Array(repeatElement(bias.elements, count: phases.count).joined()))
    }
  }

  /// The q of outputs along an axis that lie in an output, for one rest.
  static func range(_ rest: Int, stride: Int, before: Int, output: Int) -> Range<Int> {
    // Rounded up and down, of numbers of any sign.
    let first = floorDivide(before - rest + stride - 1, stride)
    let last = floorDivide(output - 1 + before - rest, stride)
    return first..<max(first, last + 1)
  }

  private static func floorDivide(_ a: Int, _ b: Int) -> Int { a >= 0 ? a / b : -((-a + b - 1) / b) }
}
