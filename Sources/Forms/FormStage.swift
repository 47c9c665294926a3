import Tensors

/// One stage of a kind of form: how its weights, and the part that holds them, follow from the kernel and the ranks.
public struct FormStage: Hashable, Sendable {
  /// A number of channels.
  public enum Channels: Hashable, Sendable {
    /// The layer's output channels, T.
    case outputs
    /// The layer's input channels, S.
    case inputs
    /// The rank at a place in the form's list.
    case rank(Int)
  }

  /// The spatial axes that a stage convolves along.
  public enum Axes: Hashable, Sendable {
    /// None: a 1x1 convolution.
    case none
    /// All of them.
    case all
    /// One of them.
    case axis(Int)
  }

  /// How the part is laid out that holds the stage's weights.
  public enum Layout: Hashable, Sendable {
    /// As the stage's own weights: [outputs, inputs, extents...].
    case weights
    /// A matrix without spatial axes, [outputs, inputs].
    case matrix
    /// The same transposed, [inputs, outputs].
    case transposed
    /// A depthwise stage's kernels, [channels, extents of the axes that it convolves along...].
    case depthwise
  }

  /// What the stage is called, and the part that holds its weights.
  public let name: String
  /// The channels that it reads.
  public let inputs: Channels
  /// The channels that it makes.
  public let outputs: Channels
  /// The axes that it convolves along, whose stride, padding and dilation it carries.
  public let axes: Axes
  /// How its part is laid out.
  public let layout: Layout

  /// Describes a stage.
  public init(_ name: String, from inputs: Channels, to outputs: Channels, axes: Axes, layout: Layout) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.axes = axes
    self.layout = layout
  }

  /// Whether the stage convolves along a spatial axis.
  func carries(_ axis: Int) -> Bool {
    switch axes {
    case .none: false
    case .all: true
    case .axis(let own): own == axis
    }
  }

  /// The stage of a layer; the ranks hold for each group.
  func shape(kernel: Shape, ranks: [Int], groups: Int) -> StageShape {
    func count(_ channels: Channels) -> Int {
      switch channels {
      case .outputs: kernel[0]
      case .inputs: kernel[1] * groups
      case .rank(let place): ranks[place] * groups
      }
    }
    let extents = Array(kernel.extents.dropFirst(2))
    return StageShape(
      name: name, outputs: count(outputs), inputs: count(inputs),
      groups: layout == .depthwise ? count(inputs) : groups,
      kernel: extents.indices.map { carries($0) ? extents[$0] : 1 },
      carriesAxis: extents.indices.map(carries))
  }
}

extension FormStage {
  /// What an extent of a part is in the kernel and the ranks.
  enum Extent: Hashable {
    case channels(Channels)
    case axis(Int)
    case one
  }

  /// The extents of the stage's part, for a kernel with so many spatial axes.
  func partExtents(spatialAxes: Int) -> [Extent] {
    let axes = 0..<spatialAxes
    return switch layout {
    case .weights: [.channels(outputs), .channels(inputs)] + axes.map { carries($0) ? .axis($0) : .one }
    case .matrix: [.channels(outputs), .channels(inputs)]
    case .transposed: [.channels(inputs), .channels(outputs)]
    case .depthwise: [.channels(outputs)] + axes.filter(carries).map { .axis($0) }
    }
  }

  /// The number of the kernel's spatial axes, where a part of so many extents tells it.
  func spatialAxes(partOrder: Int) -> Int? {
    switch (layout, axes) {
    case (.weights, _): partOrder - 2
    case (.depthwise, .all): partOrder - 1
    default: nil
    }
  }
}
