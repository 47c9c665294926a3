import Conv
import Tensors

/// A convolution and its gradients for one input, all as products of matrices on this package's kernels.
///
///     Y = K * X,    dL/dX = K^T * dL/dY,    dL/dK[t, (s, k)] = sum over n, p of  dL/dY[n, t, p] P[(s, k), (n, p)]
///
/// with P the matrix of patches. At stride 1 the gradient of the input is the convolution with the kernel flipped and its
/// channels swapped; at other strides it is the kernel's transpose times dL/dY, added up where the patches come from. The
/// kernel's gradient at stride 1 needs no patches: see `WinogradKernelGradient` for 3 x 3 kernels and `ShiftedProducts` for others.
///
/// **Complexity** the multiplies of the convolution for each of the three, fewer where Winograd's form serves; copies or patches
/// of about `patchCount` floats, of at least one image.
struct ConvolutionGradients: Sendable {
  let geometry: ConvolutionGeometry
  private let axes: [WindowAxis]

  init(_ geometry: ConvolutionGeometry) {
    self.geometry = geometry
    axes = geometry.kernel.indices.map { axis in
      WindowAxis(
        input: geometry.inputExtents[axis], kernel: geometry.kernel[axis], stride: geometry.stride[axis],
        dilation: geometry.dilation[axis], before: geometry.paddingBefore[axis],
        after: geometry.paddingAfter[axis])
    }
  }

  /// The convolution of a node whose windows are `axes`.
  ///
  /// **Throws** where the engine has no such convolution.
  init(
    batch: Int, kernel: Shape, inputExtents: [Int], _ axes: [WindowAxis], groups: Int, _ node: NodeSettings
  ) throws(GradientError) {
    do throws(ConvError) {
      self.init(
        try ConvolutionGeometry(
          batch: batch, kernelShape: kernel, inputExtents: inputExtents, stride: axes.map(\.stride),
          dilation: axes.map(\.dilation), paddingBefore: axes.map(\.before), paddingAfter: axes.map(\.after),
          groups: groups))
    } catch { throw node.failure("\(error)") }
  }

  /// The floats that patches of several images together may have: some that stay in a second cache.
  private static var patchCount: Int { 1 << 18 }

  private var taps: Int { geometry.kernel.reduce(1, *) }
  private var patches: Patches { Patches(channels: geometry.inputChannels, axes: axes) }

  /// Whether the patches of all taps together fill few vectors, as of pictures: a product for each tap would go over the gradient
  /// of the output for a handful of columns.
  private var isNarrow: Bool {
    let inputs = geometry.inputChannels / geometry.groups
    return taps > 1 && inputs < 8 && inputs * taps <= 64 && geometry.groups == 1
  }

  /// Whether the gradient of the input is a convolution.
  private var isFlippable: Bool {
    axes.allSatisfy { axis in
      let reach = axis.dilation * (axis.kernel - 1)
      return axis.stride == 1 && axis.before <= reach && axis.after <= reach
    }
  }

  /// The convolution that makes the gradient of the input; nil where none does.
  ///
  /// **Shapes** `kernel` [T, S / groups, D...].
  func flipped(_ kernel: Tensor<Float>) throws(ConvError) -> Convolution<Float>? {
    guard isFlippable else { return nil }
    let reach = axes.map { $0.dilation * ($0.kernel - 1) }
    let stage = try ConvolutionStage(
      weights: mirrored(kernel), dilation: geometry.dilation,
      paddingBefore: zip(reach, geometry.paddingBefore).map { $0 - $1 },
      paddingAfter: zip(reach, geometry.paddingAfter).map { $0 - $1 }, groups: geometry.groups)
    return Convolution([stage])
  }

  /// The kernel with its taps in reverse and its channels swapped: `[S, T / groups, D...]`.
  private func mirrored(_ kernel: Tensor<Float>) -> Tensor<Float> {
    let (groups, taps) = (geometry.groups, taps)
    let (outputs, inputs) = (geometry.outputChannels / groups, geometry.inputChannels / groups)
    return Tensor(shape: Shape([geometry.inputChannels, outputs] + geometry.kernel)) { result in
      kernel.withSpan { kernel in
        for group in 0..<groups {
          for s in 0..<inputs {
            for t in 0..<outputs {
              let from = ((group * outputs + t) * inputs + s) * taps
              let to = ((group * inputs + s) * outputs + t) * taps
              for k in 0..<taps { result[to + k] = kernel[from + taps - 1 - k] }
            }
          }
        }
      }
    }
  }

  /// The gradient of the input where it is no convolution.
  ///
  /// **Shapes** `gradient` [N, T, H', W'], `kernel` [T, S / groups, D...]; the result [N, S, H, W].
  func inputGradient(_ gradient: Tensor<Float>, kernel: Tensor<Float>) -> Tensor<Float> {
    let (patches, groups) = (patches, geometry.groups)
    let size = geometry.outputChannels * geometry.outputPositions
    var result = Tensor<Float>(shape: geometry.inputShape, repeating: 0)
    for image in 0..<geometry.batch {
      let columns = gradient.withSpan { gradient in
        kernel.withSpan { kernel in
          Products.multiply(
            kernel, gradient.extracting(image * size..<(image + 1) * size), transposesLeft: true,
            batch: groups,
            rows: patches.rows / groups, depth: geometry.outputChannels / groups,
            columns: geometry.outputPositions)
        }
      }
      patches.add(columns, to: &result, image: image)
    }
    return result
  }

  /// The gradient of the kernel.
  ///
  /// **Shapes** `x` [N, S, H, W], `gradient` [N, T, H', W']; the result [T, S / groups, D...].
  func kernelGradient(_ x: Tensor<Float>, _ gradient: Tensor<Float>) -> Tensor<Float> {
    if let tiles = WinogradKernelGradient(geometry) { return tiles.run(x, gradient) }
    let shifts =
      axes.allSatisfy { $0.stride == 1 } && !isNarrow ? ShiftedProducts(geometry, axes: axes) : nil
    let each = shifts?.floatsOfImage ?? patches.rows * geometry.outputPositions
    let together = max(1, min(geometry.batch, Self.patchCount / max(1, each)))
    var result = Tensor<Float>(shape: geometry.kernelShape, repeating: 0)
    for start in stride(from: 0, to: geometry.batch, by: together) {
      let images = start..<min(geometry.batch, start + together)
      if geometry.isPointwise, images.count == 1 {
        result.add(pointwise(x, gradient, image: start))
      } else if let shifts {
        result.add(shifts.kernelGradient(x, gradient, images: images))
      } else if images.count == 1 {
        addByBands(x, gradient, image: start, to: &result)
      } else {
        result.add(byPatches(x, gradient, images))
      }
    }
    return result
  }

  /// The part of one image, whose maps are the matrices themselves.
  private func pointwise(_ x: Tensor<Float>, _ gradient: Tensor<Float>, image: Int) -> Tensor<Float> {
    let positions = geometry.outputPositions
    let (inputs, outputs) = (geometry.inputChannels * positions, geometry.outputChannels * positions)
    return x.withSpan { x in
      gradient.withSpan { gradient in
        product(
          gradient.extracting(image * outputs..<(image + 1) * outputs),
          x.extracting(image * inputs..<(image + 1) * inputs), depth: positions)
      }
    }
  }

  /// The lines of patches that a second cache holds beside the products; no fewer than a thousand positions, as adding up the
  /// products would take too long beside them.
  var linesOfBand: Int { max(1, max(1024, Self.patchCount / 4 / patches.rows) / patches.line) }

  /// Adds the part of one image by its patches, band by band of lines, with the gradient as it lies.
  private func addByBands(
    _ x: Tensor<Float>, _ gradient: Tensor<Float>, image: Int, to result: inout Tensor<Float>
  ) {
    let (patches, groups) = (patches, geometry.groups)
    let (outputs, line) = (geometry.outputChannels / groups, patches.line)
    for first in stride(from: 0, to: patches.lines, by: linesOfBand) {
      let lines = first..<min(patches.lines, first + linesOfBand)
      let columns = patches.matrix(x, images: image..<image + 1, lines: lines)
      let product = BatchedProduct(
        batch: [groups], rows: outputs, depth: lines.count * line, columns: patches.rows / groups,
        left: MatrixLayout(
          stride: geometry.outputPositions, batchStrides: [outputs * geometry.outputPositions]),
        right: .transposed)
      var workspace = product.makeWorkspace()
      let start = image * geometry.outputChannels * geometry.outputPositions + first * line
      let part = Tensor(shape: geometry.kernelShape) { part in
        gradient.withSpan { gradient in
          columns.withSpan {
            product.run(
              gradient.extracting(start..<gradient.count), $0, into: &part, workspace: &workspace)
          }
        }
      }
      result.add(part)
    }
  }

  /// The part of some images by their patches.
  private func byPatches(
    _ x: Tensor<Float>, _ gradient: Tensor<Float>, _ images: Range<Int>
  ) -> Tensor<Float> {
    let columns = patches.matrix(x, images: images, lines: 0..<patches.lines)
    let rows = gathered(gradient, images)
    return rows.withSpan { rows in
      columns.withSpan { product(rows, $0, depth: images.count * geometry.outputPositions) }
    }
  }

  /// `G P^T`, group by group.
  private func product(_ gradient: Span<Float>, _ patches: Span<Float>, depth: Int) -> Tensor<Float> {
    Products.multiply(
      gradient, patches, transposesRight: true, batch: geometry.groups,
      rows: geometry.outputChannels / geometry.groups, depth: depth,
      columns: geometry.inputChannels / geometry.groups * taps)
  }

  /// The maps of some images side by side: `[T, n H'W']`.
  private func gathered(_ gradient: Tensor<Float>, _ images: Range<Int>) -> Tensor<Float> {
    let (channels, positions) = (geometry.outputChannels, geometry.outputPositions)
    return Tensor(shape: [channels, images.count * positions]) { result in
      gradient.withSpan { gradient in
        for (place, image) in images.enumerated() {
          for t in 0..<channels {
            let from = (image * channels + t) * positions
            let to = (t * images.count + place) * positions
            for p in 0..<positions { result[unchecked: to + p] = gradient[unchecked: from + p] }
          }
        }
      }
    }
  }
}

extension Tensor where Element == Float {
  /// The sums over images and positions, one a channel: the gradient of a bias.
  ///
  /// **Shapes** [N, C, ...]; the result [C].
  func channelSums() -> Tensor<Float> {
    let (images, channels) = (shape[0], shape[1])
    let positions = count / max(1, images * channels)
    return Tensor(shape: [channels]) { result in
      withSpan { x in
        for c in 0..<channels {
          var sum: Float = 0
          for n in 0..<images {
            let start = (n * channels + c) * positions
            sum += x.sum(start..<start + positions)
          }
          result[c] = sum
        }
      }
    }
  }
}
