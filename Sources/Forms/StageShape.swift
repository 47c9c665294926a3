public import Tensors

/// The shape of one convolution of a factored layer: enough to count its weights and multiplies and to place the
/// dense layer's stride, padding and dilation.
public struct StageShape: Hashable, Sendable {
  /// What the stage is called in the names of ONNX nodes and in safetensors files.
  public let name: String
  /// Output channels of all groups together.
  public let outputs: Int
  /// Input channels of all groups together.
  public let inputs: Int
  /// The number of groups; equals `inputs` for a depthwise stage.
  public let groups: Int
  /// One kernel extent per spatial axis; 1 on the axes that the stage leaves alone.
  public let kernel: [Int]
  /// Whether the stage carries the dense layer's stride, padding and dilation, for each spatial axis.
  public let carriesAxis: [Bool]

  /// Makes the shape of a stage.
  public init(name: String, outputs: Int, inputs: Int, groups: Int = 1, kernel: [Int], carriesAxis: [Bool]) {
    precondition(
      kernel.count == carriesAxis.count, "\(kernel.count) kernel extents, \(carriesAxis.count) axes")
    precondition(groups > 0 && inputs % groups == 0 && outputs % groups == 0, "\(groups) groups of \(inputs)")
    self.name = name
    self.outputs = outputs
    self.inputs = inputs
    self.groups = groups
    self.kernel = kernel
    self.carriesAxis = carriesAxis
  }

  /// The shape of the stage's weights, `[outputs, inputs / groups, kernel...]`.
  public var weightShape: Shape { Shape([outputs, inputs / groups] + kernel) }

  /// The number of weights, bias apart.
  public var weightCount: Int { weightShape.count }
}
