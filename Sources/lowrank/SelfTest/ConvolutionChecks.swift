import Conv
import Forms
import Tensors

/// Every form of convolution with every instruction set that the processor has, against the definition in Double.
enum ConvolutionChecks {
  private struct Layer {
    let kernel: Shape
    let extents: [Int]
    let stride: Int
    let padding: Int
  }

  /// Odd channel counts and extents, so that every kernel meets its edges.
  private static let layers = [
    Layer(kernel: [13, 19, 3, 3], extents: [11, 17], stride: 1, padding: 1),
    Layer(kernel: [35, 17, 3, 3], extents: [14, 9], stride: 2, padding: 1),
    Layer(kernel: [21, 11, 5, 5], extents: [12, 13], stride: 1, padding: 2),
    Layer(kernel: [9, 33, 1, 1], extents: [7, 10], stride: 1, padding: 0),
  ]

  static func run() throws -> [SelfCheck] {
    var checks: [SelfCheck] = []
    for (place, layer) in layers.enumerated() {
      let geometry = try ConvolutionGeometry(
        kernelShape: layer.kernel, inputExtents: layer.extents, stride: [layer.stride, layer.stride],
        paddingBefore: [layer.padding, layer.padding], paddingAfter: [layer.padding, layer.padding])
      for form in forms(of: layer.kernel) {
        checks += run(geometry, form, seed: UInt64(place))
      }
    }
    return checks
  }

  private static func forms(of kernel: Shape) -> [FactoredForm] {
    let forms: [FactoredForm] = [
      .dense, .tucker2(outputRank: 10, inputRank: 7), .cp3(rank: 9), .cp4(rank: 9), .spatial(rank: 9),
      .channel(rank: 7), .svd(rank: 5),
    ]
    return forms.filter { $0.fits(kernel: kernel) }
  }

  private static func run(_ geometry: ConvolutionGeometry, _ form: FactoredForm, seed: UInt64) -> [SelfCheck]
  {
    var numbers = SeededGenerator(seed: 100 + seed)
    let stages = form.stages(kernel: geometry.kernelShape)
    let weights = stages.map { numbers.tensor($0.weightShape, of: Float.self) }
    let bias = numbers.tensor([geometry.outputChannels], of: Float.self)
    let input = numbers.tensor(geometry.inputShape, of: Float.self)
    let (expected, size) = reference(geometry, stages, weights, bias: bias, input: input)
    return variants.map { name, library, options in
      let plan = ConvolutionPlan(geometry, stages: stages, weights: weights, bias: bias, options: options)
      let difference = largestDifference(plan.run(input).elements.map { Double($0) }, expected)
      // Rounding of each stage is some epsilons of the sums of absolute products; Winograd's transforms magnify it.
      let room = 64 * Double(Float.ulpOfOne) * size
      return SelfCheck(
        name: "\(name) \(form) of \(geometry.kernelShape)", library: library, error: difference / room)
    }
  }

  private static var variants: [(name: String, library: String, options: ConvolutionOptions)] {
    let own = KernelVariant.available.flatMap { variant in
      [
        ("\(variant.rawValue)", ConvolutionOptions.Winograd.off),
        ("\(variant.rawValue) Winograd", .automatic),
      ].map {
        ($0.0, "swift-lowrank's own kernels", ConvolutionOptions(winograd: $0.1, variant: variant))
      }
    }
    return own + [("BLAS", "BLAS", ConvolutionOptions(backend: .blas))]
  }

  /// The stages one after the other in Double, and the largest sum of absolute products that an element can be.
  private static func reference(
    _ geometry: ConvolutionGeometry, _ stages: [StageShape], _ weights: [Tensor<Float>], bias: Tensor<Float>,
    input: Tensor<Float>
  ) -> (values: [Double], size: Double) {
    var value = input.converted(to: Double.self)
    var absolute = magnitudes(value)
    let geometries = geometry.stages(stages)
    for (place, stage) in geometries.enumerated() {
      let kernel = weights[place].converted(to: Double.self)
      let last = place == geometries.count - 1 ? bias.converted(to: Double.self) : nil
      value = ReferenceConvolution.run(stage, input: value, kernel: kernel, bias: last)
      absolute = ReferenceConvolution.run(
        stage, input: absolute, kernel: magnitudes(kernel), bias: last.map(magnitudes))
    }
    return (value.elements, absolute.elements.max() ?? 1)
  }

  private static func magnitudes(_ tensor: Tensor<Double>) -> Tensor<Double> {
    Tensor(shape: tensor.shape, elements: tensor.elements.map(\.magnitude))
  }
}
