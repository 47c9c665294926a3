import Network
import Tensors

/// `Resize` and `Upsample`: linear along each axis, `y = A1 x A2^T`, so that `dL/dx = A1^T dL/dy A2`.
///
/// The node itself says what A is: the weights along an axis sum to one, so that an input that is a unit vector along one axis
/// and the same along all others becomes a column of that axis' matrix. Each run makes as many columns as the input has
/// images and channels.
///
/// **Complexity** a run of the node for every N C positions of an axis, and two products of each line with a sparse matrix.
struct ResizeRule: GradientRule {
  static let opTypes = ["Resize", "Upsample"]

  init(_ node: NodeSettings) throws(GradientError) {
    let mode = node.node.string("coordinate_transformation_mode") ?? "half_pixel"
    guard mode != "tf_crop_and_resize" else { throw node.failure("there is no gradient for \(mode)") }
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let x = try pass.floats(0)
    var gradient = try pass.gradient()
    guard x.shape.order > 2, x.shape[0] == gradient.shape[0], x.shape[1] == gradient.shape[1] else {
      throw pass.node.failure("there is no gradient where images or channels are resampled")
    }
    for axis in 2..<x.shape.order {
      let taps = try taps(along: axis, x.shape, pass)
      gradient = spread(gradient, axis, to: x.shape[axis], taps)
    }
    return pass.only(gradient)
  }

  /// An output position, an input position, and the weight of the second in the first.
  private struct Tap {
    let output: Int
    let input: Int
    let weight: Float
  }

  /// The elements of an axis' matrix that are not 0.
  private func taps(along axis: Int, _ shape: Shape, _ pass: BackwardPass) throws(GradientError) -> [Tap] {
    let (slots, extent) = (shape[0] * shape[1], shape[axis])
    let strides = shape.strides
    let size = shape.count / max(1, slots)
    var taps: [Tap] = []
    for first in stride(from: 0, to: extent, by: slots) {
      let probe = Tensor<Float>(shape: shape) { probe in
        for i in 0..<probe.count {
          let (slot, place) = (i / size, i / strides[axis] % extent)
          probe[i] = place == first + slot ? 1 : 0
        }
      }
      var inputs = pass.inputs
      inputs[0] = NetworkTensor(probe)
      let made = try pass.node.floats(try pass.runner.run(inputs), 0)
      let (outputs, step) = (made.shape[axis], made.shape.strides[axis])
      let whole = made.count / max(1, slots)
      made.withSpan { made in
        for slot in 0..<min(slots, extent - first) {
          for output in 0..<outputs {
            let weight = made[slot * whole + output * step]
            if weight != 0 { taps.append(Tap(output: output, input: first + slot, weight: weight)) }
          }
        }
      }
    }
    return taps
  }

  /// Adds up along an axis what each input position gave.
  private func spread(_ gradient: Tensor<Float>, _ axis: Int, to extent: Int, _ taps: [Tap]) -> Tensor<Float>
  {
    var extents = gradient.shape.extents
    let outputs = extents[axis]
    extents[axis] = extent
    let inner = extents[(axis + 1)...].reduce(1, *)
    let outer = extents[..<axis].reduce(1, *)
    var result = Tensor<Float>(shape: Shape(extents), repeating: 0)
    result.withMutableSpan { result in
      gradient.withSpan { g in
        for line in 0..<outer {
          for tap in taps {
            let (from, to) = ((line * outputs + tap.output) * inner, (line * extent + tap.input) * inner)
            for i in 0..<inner { result[to + i] += tap.weight * g[from + i] }
          }
        }
      }
    }
    return result
  }
}
