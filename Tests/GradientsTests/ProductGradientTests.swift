import Conv
import ModelGraph
import TestSupport
import Tensors
import Testing

@testable import Gradients

/// Gradients of products against finite differences of plain loops in Double.
struct ProductGradientTests {
  /// A convolution as a node and as its definition.
  struct Layer: Sendable, CustomStringConvertible {
    var images = 2
    var inputs = 3
    var outputs = 4
    var groups = 1
    var extents = [7, 6]
    var kernel = [3, 3]
    var stride = [1, 1]
    var dilation = [1, 1]
    var pads = [0, 0, 0, 0]
    var hasBias = true

    var description: String {
      "\(images)x\(inputs)x\(extents) to \(outputs) by \(kernel) /\(groups) stride \(stride) dilation \(dilation) pads \(pads)"
    }

    var definition: ConvolutionDefinition {
      let missing = 3 - kernel.count
      var result = ConvolutionDefinition()
      result.stride = [Int](repeating: 1, count: missing) + stride
      result.dilation = [Int](repeating: 1, count: missing) + dilation
      result.before = [Int](repeating: 0, count: missing) + pads.prefix(kernel.count)
      result.after = [Int](repeating: 0, count: missing) + pads.suffix(kernel.count)
      result.groups = groups
      return result
    }

    var attributes: [Attribute] {
      [
        Attribute("strides", .ints(stride)), Attribute("dilations", .ints(dilation)),
        Attribute("pads", .ints(pads)), Attribute("group", .int(groups)),
      ]
    }

    /// Three axes, missing ones in front.
    func cube(_ x: Tensor<Double>) -> Tensor<Double> {
      let e = x.shape.extents
      return x.reshaped(Shape(Array(e.prefix(2)) + [Int](repeating: 1, count: 5 - e.count) + e.dropFirst(2)))
    }

    var convolution: GradientCase {
      let own = definition
      return GradientCase(
        "Conv", attributes,
        inputs: [Shape([images, inputs] + extents), Shape([outputs, inputs / groups] + kernel)]
          + (hasBias ? [[outputs]] : [])
      ) { x in own(cube(x[0]), cube(x[1]), x.count > 2 ? x[2].elements : nil).1 }
    }

    /// From `inputs` to `outputs` channels, with the kernel `[inputs, outputs / groups, ...]`.
    func transposed(outputPadding: [Int]) -> GradientCase {
      let own = definition
      let larger = extents.indices.map { axis in
        stride[axis] * (extents[axis] - 1) + outputPadding[axis] + (kernel[axis] - 1) * dilation[axis] + 1
          - pads[axis] - pads[kernel.count + axis]
      }
      let whole = [Int](repeating: 1, count: 3 - kernel.count) + larger
      return GradientCase(
        "ConvTranspose", attributes + [Attribute("output_padding", .ints(outputPadding))],
        inputs: [Shape([images, inputs] + extents), Shape([inputs, outputs / groups] + kernel)]
          + (hasBias ? [[outputs]] : [])
      ) { x in
        own.transposed(cube(x[0]), cube(x[1]), x.count > 2 ? x[2].elements : nil, extents: whole)
      }
    }
  }

  static let layers: [Layer] = [
    Layer(),
    Layer(pads: [1, 1, 1, 1]),
    Layer(stride: [2, 3], pads: [1, 0, 0, 2]),
    Layer(dilation: [2, 1], pads: [2, 1, 1, 1]),
    Layer(dilation: [1, 2], pads: [0, 2, 1, 2]),
    Layer(stride: [2, 1], dilation: [1, 2], pads: [0, 2, 1, 2], hasBias: false),
    // A padding beyond the kernel's reach, in front or behind: no flipped convolution has it.
    Layer(pads: [3, 1, 0, 1]),
    Layer(pads: [0, 1, 1, 3]),
    Layer(inputs: 4, outputs: 6, groups: 2, pads: [1, 1, 1, 1]),
    Layer(inputs: 4, outputs: 4, groups: 4, pads: [1, 1, 1, 1]),
    Layer(inputs: 3, outputs: 6, groups: 3, stride: [2, 2], pads: [0, 1, 1, 0]),
    // By products of shifted maps, of all channels and of each by itself.
    Layer(inputs: 9, dilation: [2, 1], pads: [2, 1, 1, 1]),
    Layer(inputs: 9, dilation: [1, 2], pads: [0, 2, 1, 2]),
    Layer(inputs: 4, outputs: 4, groups: 4, dilation: [2, 1], pads: [2, 1, 1, 1]),
    Layer(inputs: 4, outputs: 4, groups: 4, dilation: [1, 2], pads: [0, 2, 1, 2]),
    // By Winograd's form in reverse: tiles that reach beyond the maps, channels that fill no vector, several images.
    Layer(inputs: 16, outputs: 19, extents: [9, 6], pads: [1, 1, 1, 1]),
    Layer(images: 3, inputs: 21, outputs: 16, extents: [11, 13], pads: [0, 1, 2, 0]),
    Layer(images: 1, inputs: 17, outputs: 17, extents: [3, 4]),
    Layer(kernel: [1, 1]),
    Layer(images: 1, inputs: 5, outputs: 7, kernel: [1, 1], hasBias: false),
    Layer(kernel: [1, 1], stride: [2, 2]),
    Layer(kernel: [5, 1], pads: [2, 0, 2, 0]),
    Layer(extents: [11], kernel: [3], stride: [1], dilation: [1], pads: [1, 1]),
    Layer(
      inputs: 4, outputs: 4, groups: 4, extents: [11], kernel: [3], stride: [2], dilation: [2], pads: [1, 2]),
    Layer(
      extents: [3, 4, 5], kernel: [2, 3, 1], stride: [1, 2, 1], dilation: [1, 1, 1], pads: [0, 1, 0, 1, 1, 0]),
  ]

  @Test(arguments: layers.indices)
  func convolutions(place: Int) throws {
    try Self.layers[place].convolution.check(seed: UInt64(place))
  }

  @Test
  func transposedConvolutions() throws {
    try Layer(extents: [4, 3], kernel: [4, 4], stride: [2, 2], pads: [1, 1, 1, 1]).transposed(outputPadding: [
      0, 0,
    ])
    .check(seed: 1)
    try Layer(extents: [4, 3], kernel: [3, 2], stride: [2, 3], pads: [0, 1, 1, 0]).transposed(outputPadding: [
      1, 2,
    ])
    .check(seed: 2)
    try Layer(inputs: 4, outputs: 6, groups: 2, extents: [5, 4], pads: [1, 1, 1, 1]).transposed(
      outputPadding: [0, 0]
    ).check(seed: 3)
    try Layer(extents: [6], kernel: [3], stride: [2], dilation: [1], pads: [1, 1], hasBias: false).transposed(
      outputPadding: [1]
    ).check(seed: 4)
  }

  /// With more images than one matrix of patches takes, several matrices add up.
  @Test
  func manyPatches() throws {
    let layer = Layer(images: 3, inputs: 2, outputs: 2, extents: [5, 5], pads: [1, 1, 1, 1])
    try layer.convolution.check(seed: 9)
  }

  /// Winograd's form in parts of the tiles and of the outputs is what shifts make of it.
  @Test(arguments: [(1, 16, 18, 100), (1, 400, 150, 9), (2, 48, 33, 60)])
  func winogradInParts(images: Int, inputs: Int, outputs: Int, side: Int) throws {
    let geometry = try ConvolutionGeometry(
      batch: images, kernelShape: [outputs, inputs, 3, 3], inputExtents: [side, side + 1], stride: [1, 1],
      dilation: [1, 1], paddingBefore: [1, 1], paddingAfter: [1, 1], groups: 1)
    let axes = [side, side + 1].map {
      WindowAxis(input: $0, kernel: 3, stride: 1, dilation: 1, before: 1, after: 1)
    }
    var generator = SeededGenerator(seed: 7)
    let x = generator.tensor(geometry.inputShape, of: Float.self)
    let gradient = generator.tensor(geometry.outputShape, of: Float.self)
    let made = try #require(WinogradKernelGradient(geometry)).run(x, gradient)
    let plain = ShiftedProducts(geometry, axes: axes).kernelGradient(x, gradient, images: 0..<images)
    #expect(made.shape.count == plain.shape.count)
    // Sums of so many products of numbers up to 1, whose roundings to 2^-24 add up like their root, ten times in Winograd's form.
    let count = Double(images * side * side)
    let largest = zip(made.elements, plain.elements).reduce(0) { max($0, abs(Double($1.0) - Double($1.1))) }
    #expect(largest < 20 * 0x1p-24 * count.squareRoot() * 4, "\(largest)")
  }

  /// One image whose patches go in several bands of lines: pictures, strides, and groups of channels.
  @Test(arguments: [
    (Layer(images: 1, inputs: 3, outputs: 7, extents: [61, 63], pads: [1, 1, 1, 0]), 2),
    (Layer(images: 1, inputs: 3, outputs: 7, extents: [131, 90], stride: [2, 2], pads: [1, 0, 1, 1]), 2),
    (Layer(images: 1, inputs: 40, outputs: 5, extents: [71, 60], stride: [2, 1], pads: [0, 1, 1, 1]), 3),
    (
      Layer(
        images: 1, inputs: 6, outputs: 4, groups: 2, extents: [71, 80], stride: [2, 1], dilation: [1, 2],
        pads: [2, 1, 1, 1]), 3
    ),
  ])
  func bandsOfPatches(layer: Layer, bands: Int) throws {
    let geometry = try ConvolutionGeometry(
      kernelShape: Shape([layer.outputs, layer.inputs / layer.groups] + layer.kernel),
      inputExtents: layer.extents, stride: layer.stride, dilation: layer.dilation,
      paddingBefore: Array(layer.pads.prefix(2)), paddingAfter: Array(layer.pads.suffix(2)),
      groups: layer.groups)
    let gradients = ConvolutionGradients(geometry)
    #expect(gradients.linesOfBand * bands >= geometry.outputExtents[0])
    #expect(gradients.linesOfBand * (bands - 1) < geometry.outputExtents[0])
    var generator = SeededGenerator(seed: 5)
    let x = generator.tensor(geometry.inputShape, of: Float.self)
    let gradient = generator.tensor(geometry.outputShape, of: Float.self)
    let exact = layer.definition.kernelGradient(
      layer.cube(x.converted()), layer.cube(gradient.converted()),
      kernel: Shape(Array(geometry.kernelShape.extents.prefix(2)) + [1] + layer.kernel))
    let made = gradients.kernelGradient(x, gradient)
    // A sum of n products of random numbers up to 1 stands at sqrt(k) / 3 after k of them; its roundings to 2^-24 of that add up
    // like the root of their squares, to n / (3 sqrt 2). Five times that is more than the largest of some thousands.
    let bound = 5 * 0x1p-24 * Double(geometry.outputPositions) / (3 * 2.0.squareRoot())
    let largest = zip(made.elements, exact).map { abs(Double($0) - $1) }.max() ?? .infinity
    #expect(largest < bound, "\(largest)")
  }

  @Test(arguments: 0..<8)
  func gemm(form: Int) throws {
    let (m, k, n) = (3, 5, 4)
    let (flipsA, flipsB) = (form & 1 != 0, form & 2 != 0)
    let bias: Shape = form & 4 != 0 ? [n] : [m, 1]
    let (alpha, beta) = form & 4 != 0 ? (1.0, 1.0) : (0.5, 2.0)
    let attributes = [
      Attribute("transA", .int(flipsA ? 1 : 0)), Attribute("transB", .int(flipsB ? 1 : 0)),
      Attribute("alpha", .float(Float(alpha))), Attribute("beta", .float(Float(beta))),
    ]
    try GradientCase(
      "Gemm", attributes, inputs: [flipsA ? [k, m] : [m, k], flipsB ? [n, k] : [k, n], bias]
    ) { x in
      let a = flipsA ? x[0].permuted([1, 0]) : x[0]
      let b = flipsB ? x[1].permuted([1, 0]) : x[1]
      let c = repeated(x[2], to: [m, n])
      return zip(products(a.elements, b.elements, batch: 1, m, k, n), c).map { alpha * $0 + beta * $1 }
    }.check(seed: UInt64(form))
  }

  @Test
  func matrixProducts() throws {
    try GradientCase("MatMul", inputs: [[3, 4], [4, 5]]) { x in
      products(x[0].elements, x[1].elements, batch: 1, 3, 4, 5)
    }.check(seed: 1)
    try GradientCase("MatMul", inputs: [[2, 3, 4], [4, 5]]) { x in
      products(x[0].elements, x[1].elements, batch: 1, 6, 4, 5)
    }.check(seed: 2)
    try GradientCase("MatMul", inputs: [[2, 1, 3, 4], [3, 4, 5]]) { x in
      products(
        repeated(x[0], to: [2, 3, 3, 4]), repeated(x[1], to: [2, 3, 4, 5]), batch: 6, 3, 4, 5)
    }.check(seed: 3)
  }
}
