import Conv
import Tensors

/// A convolution straight from its definition, every sum in Double: what the checks hold the kernels against, far too slow to use.
enum ReferenceConvolution {
  /// The convolution of `input` with `kernel`.
  ///
  /// **Shapes** as in `ConvolutionGeometry`; `bias` [T].
  ///
  /// **Traps** where a shape is not the geometry's.
  ///
  /// **Accuracy** each element within S/groups D... epsilon (of Double) of the sum of the absolute products.
  ///
  /// **Complexity** `geometry.multiplies` multiplies, each with its index arithmetic.
  static func run<E: Scalar>(
    _ geometry: ConvolutionGeometry, input: Tensor<E>, kernel: Tensor<E>, bias: Tensor<E>? = nil
  ) -> Tensor<Double> {
    precondition(input.shape == geometry.inputShape, "an input of \(input.shape), not \(geometry.inputShape)")
    precondition(
      kernel.shape == geometry.kernelShape, "a kernel of \(kernel.shape), not \(geometry.kernelShape)")
    precondition(
      bias == nil || bias?.count == geometry.outputChannels, "a bias of \(String(describing: bias?.shape))")
    let (x, k) = (input.elements, kernel.elements)
    let b = bias?.elements
    let taps = geometry.kernel.reduce(1, *)
    let groupInputs = geometry.inputChannels / geometry.groups
    let groupOutputs = geometry.outputChannels / geometry.groups
    let sources = sourcePositions(geometry)
    var y: [Double] = []
    y.reserveCapacity(geometry.outputShape.count)
    for image in 0..<geometry.batch {
      for t in 0..<geometry.outputChannels {
        let firstChannel = image * geometry.inputChannels + t / groupOutputs * groupInputs
        for position in 0..<geometry.outputPositions {
          var sum = b.map { Double($0[t]) } ?? 0
          for s in 0..<groupInputs {
            for tap in 0..<taps {
              guard let source = sources[position * taps + tap] else { continue }
              sum +=
                Double(k[(t * groupInputs + s) * taps + tap])
                * Double(x[(firstChannel + s) * geometry.inputPositions + source])
            }
          }
          y.append(sum)
        }
      }
    }
    return Tensor(shape: geometry.outputShape, elements: y)
  }

  /// For each output position and each tap of the kernel, the input position they meet at; nil in the padding.
  private static func sourcePositions(_ geometry: ConvolutionGeometry) -> [Int?] {
    let outputs = Shape(geometry.outputExtents)
    let taps = Shape(geometry.kernel)
    return (0..<outputs.count).flatMap { position -> [Int?] in
      let y = indices(of: position, in: outputs)
      return (0..<taps.count).map { tap -> Int? in
        let d = indices(of: tap, in: taps)
        var source = 0
        for axis in 0..<geometry.order {
          let i =
            y[axis] * geometry.stride[axis] + d[axis] * geometry.dilation[axis] - geometry.paddingBefore[axis]
          guard i >= 0, i < geometry.inputExtents[axis] else { return nil }
          source = source * geometry.inputExtents[axis] + i
        }
        return source
      }
    }
  }

  private static func indices(of position: Int, in shape: Shape) -> [Int] {
    zip(shape.extents, shape.strides).map { position / $1 % $0 }
  }
}
