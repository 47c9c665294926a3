internal import CLowRank
internal import Conv

/// `lowrank_plan_options`, checked but for the activation, which hangs on the output's channels.
struct PlanOptions {
  var run = ConvolutionOptions()
  var input = MapLayout.channelFirst
  var output = MapLayout.channelFirst
  private var given = lowrank_plan_options()

  init(_ pointer: UnsafePointer<lowrank_plan_options>?) throws(Failure) {
    guard let given = try optionalStructure(pointer, "options") else { return }
    self.given = given
    switch given.backend {
    case LOWRANK_BACKEND_AUTOMATIC: run.backend = .automatic
    case LOWRANK_BACKEND_BLAS: run.backend = .blas
    default: throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no backend \(given.backend.rawValue)")
    }
    run.winograd = try ConvolutionOptions.Winograd(given.winograd)
    run.threads = max(1, try number(given.threads, in: 0...64, "options->threads"))
    input = try Self.layout(given.input_layout, given.input_stride, given.input_image_stride, "input")
    output = try Self.layout(given.output_layout, given.output_stride, given.output_image_stride, "output")
  }

  /// What happens to each element of an output of so many channels.
  func activation(channels: Int) throws(Failure) -> Activation {
    try Activation(given, channels: channels, "options")
  }

  /// Throws where there is an activation: a chain's belong to its stages.
  func requireNoActivation() throws(Failure) {
    guard given.activation == LOWRANK_NO_ACTIVATION else {
      throw Failure(
        LOWRANK_INVALID_ARGUMENT,
        "options->activation is \(given.activation.rawValue), but in a chain the stages have activations")
    }
  }

  private static func layout(
    _ layout: lowrank_layout, _ stride: Int64, _ imageStride: Int64, _ name: String
  ) throws(Failure) -> MapLayout {
    let order: MapLayout.Order
    switch layout {
    case LOWRANK_CHANNEL_FIRST: order = .channelFirst
    case LOWRANK_CHANNEL_LAST: order = .channelLast
    default:
      throw Failure(
        LOWRANK_INVALID_ARGUMENT, "options->\(name)_layout is \(layout.rawValue), which is no layout")
    }
    let stride = try number(stride, in: 0...Limits.extent, "options->\(name)_stride")
    let image = try number(imageStride, in: 0...Limits.map, "options->\(name)_image_stride")
    return MapLayout(
      order, stride: stride == 0 ? nil : stride, imageStride: image == 0 ? nil : image)
  }
}

extension ConvolutionOptions.Winograd {
  /// The choice of the header.
  init(_ code: lowrank_winograd) throws(Failure) {
    switch code {
    case LOWRANK_WINOGRAD_AUTOMATIC: self = .automatic
    case LOWRANK_WINOGRAD_OFF: self = .off
    case LOWRANK_WINOGRAD_2X2: self = .tile(2)
    case LOWRANK_WINOGRAD_4X4: self = .tile(4)
    case LOWRANK_WINOGRAD_5X5: self = .tile(5)
    default: throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no Winograd choice \(code.rawValue)")
    }
  }
}
