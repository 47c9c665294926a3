import ModelGraph
import Tensors

/// Where the patch of each output position of a layer lies, for tensors of given shapes.
///
/// A transposed convolution is read as what it is: each output position takes those inputs that reach it,
/// `i = (o + pad - d dilation) / stride` where that is whole, so that its patches over the kernel's own taps are those of a
/// convolution over the input with zeros between its elements.
struct LayerWindows: Sendable {
  /// The positions of the output, batches included.
  let count: Int
  /// Taps of a channel.
  let taps: Int
  /// Elements from one channel to the next.
  private let inputChannel: Int
  private let outputChannel: Int
  /// Elements from one image, or matrix, to the next.
  private let inputImage: Int
  private let outputImage: Int
  /// Positions of one image and what lies between two of them.
  private let positions: Int
  private let inputStep: Int
  private let outputStep: Int
  /// By axis: for each output coordinate and tap the element that it takes, or -1; empty for matrices.
  private let axes: [Axis]

  /// One spatial axis.
  private struct Axis: Sendable {
    let output: Int
    let taps: Int
    /// [output, taps], in elements of the input.
    let places: [Int]
  }

  /// **Shapes** `input` [N, S, ...], `output` [N, T, ...].
  init?(convolution node: Node, _ layer: FactorableLayer, input: Shape, output: Shape) {
    guard let kernel = layer.kernelShape, input.order == kernel.order, output.order == kernel.order,
      input[0] == output[0], output[1] == kernel[0], input[1] == kernel[1] * layer.groups
    else { return nil }
    var axes: [Axis] = []
    for axis in 0..<(kernel.order - 2) {
      let line = WindowLine(
        node, axis: axis, of: kernel.order - 2, kernel: kernel[axis + 2], input: input[axis + 2],
        output: output[axis + 2], isTransposed: layer.op == .convTranspose)
      let places = (0..<output[axis + 2]).flatMap { o in
        (0..<kernel[axis + 2]).map { tap in line.input(o, tap).map { $0 * input.strides[axis + 2] } ?? -1 }
      }
      axes.append(Axis(output: output[axis + 2], taps: kernel[axis + 2], places: places))
    }
    self.axes = axes
    taps = kernel.count / (kernel[0] * kernel[1])
    (inputChannel, outputChannel) = (input.strides[1], output.strides[1])
    (inputImage, outputImage) = (input.strides[0], output.strides[0])
    positions = output.strides[1]
    count = output[0] * positions
    (inputStep, outputStep) = (0, 1)
  }

  /// **Shapes** `input` [..., M, S] or with the constant on the left [..., S, N]; of a Gemm that transposes it [S, M].
  init?(product node: Node, _ layer: FactorableLayer, input: Shape, output: Shape) {
    guard let kernel = layer.kernelShape, input.order >= 1, input.count > 0 else { return nil }
    axes = []
    taps = 1
    let isTransposed = layer.op == .gemm && node.int("transA", default: 0) != 0
    let isLeft = layer.dataSide == 1
    let columns = input.extents.last ?? 1
    if (isLeft && input.order > 1) || isTransposed {
      // Channels run down the columns.
      positions = columns
      (inputChannel, inputStep) = (columns, 1)
      (outputChannel, outputStep) = isTransposed ? (1, kernel[0]) : (columns, 1)
      guard input.extents[input.order - 2] == kernel[1] else { return nil }
    } else {
      guard columns == kernel[1] else { return nil }
      positions = 1
      (inputChannel, inputStep, outputChannel, outputStep) = (1, 0, 1, 0)
    }
    let images = input.count / (kernel[1] * positions)
    (inputImage, outputImage) = (kernel[1] * positions, kernel[0] * positions)
    count = images * positions
    guard output.count == count * kernel[0] else { return nil }
  }

  /// Works out which element of a channel each tap of a position takes, -1 for those outside.
  func locate(_ position: Int, _ places: inout [Int]) {
    guard !axes.isEmpty else {
      places[0] = 0
      return
    }
    for tap in places.indices { places[tap] = 0 }
    var (rest, inner) = (position % positions, 1)
    for axis in axes.reversed() {
      let coordinate = rest % axis.output
      rest /= axis.output
      for tap in places.indices where places[tap] >= 0 {
        let place = axis.places[coordinate * axis.taps + tap / inner % axis.taps]
        places[tap] = place < 0 ? -1 : places[tap] + place
      }
      inner *= axis.taps
    }
  }

  /// The element that the places of a channel count from.
  func inputBase(_ position: Int, channel: Int) -> Int {
    position / positions * inputImage + channel * inputChannel + position % positions * inputStep
  }

  /// The element of an output channel.
  func outputPlace(_ position: Int, channel: Int) -> Int {
    position / positions * outputImage + channel * outputChannel + position % positions * outputStep
  }
}

/// How the windows of a convolution lie along one axis.
private struct WindowLine {
  private let stride: Int
  private let dilation: Int
  private let before: Int
  private let extent: Int
  private let isTransposed: Bool

  init(
    _ node: Node, axis: Int, of axes: Int, kernel: Int, input: Int, output: Int, isTransposed: Bool
  ) {
    func setting(_ name: String, _ place: Int, default value: Int) -> Int {
      guard let values = node.ints(name), place < values.count else { return value }
      return values[place]
    }
    stride = setting("strides", axis, default: 1)
    dilation = setting("dilations", axis, default: 1)
    extent = input
    self.isTransposed = isTransposed
    let covered = (kernel - 1) * dilation + 1
    let padding = node.string("auto_pad") ?? "NOTSET"
    switch padding {
    case "VALID": before = 0
    case "SAME_UPPER", "SAME_LOWER":
      let extra = setting("output_padding", axis, default: 0)
      let total =
        isTransposed
        ? max(0, (input - 1) * stride + extra + covered - output)
        : max(0, (output - 1) * stride + covered - input)
      before = padding == "SAME_UPPER" ? total / 2 : total - total / 2
    default: before = setting("pads", axis, default: 0)
    }
  }

  /// The input that a tap of an output takes; nil for padding and zeros between elements.
  func input(_ output: Int, _ tap: Int) -> Int? {
    let place: Int
    if isTransposed {
      let (quotient, rest) = (output + before - tap * dilation).quotientAndRemainder(dividingBy: stride)
      guard rest == 0 else { return nil }
      place = quotient
    } else {
      place = output * stride + tap * dilation - before
    }
    return (0..<extent).contains(place) ? place : nil
  }
}
