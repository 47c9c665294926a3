/// Nodes with the values between them: the main graph of a model, or a body of `If`, `Loop` or `Scan`.
public struct Graph: Sendable, Equatable {
  /// What a model says of how a value is quantised.
  public struct Quantization: Sendable, Equatable {
    /// The value.
    public var value: String
    /// The values that hold its scale, its zero point and the like, by what they are.
    public var parameters: [TextEntry]
    package var record = FileRecord<Quantization>()

    /// A value and its parameters.
    public init(value: String, parameters: [TextEntry]) {
      self.value = value
      self.parameters = parameters
    }
  }

  /// The graph's name.
  public var name: String
  /// The nodes, each behind those whose values it takes.
  public var nodes: [Node]
  /// The constants. One that is also listed among `inputs` is a default that a caller may override.
  public var constants: ConstantTable
  /// What the graph takes.
  public var inputs: [ValueInfo]
  /// What the graph makes.
  public var outputs: [ValueInfo]
  /// What the model says of the values between its nodes.
  public var valueInfo: [ValueInfo]
  /// How values are quantised, where the model says so.
  public var quantization: [Quantization]
  package var record = FileRecord<Graph>()

  /// A graph.
  public init(
    name: String = "", nodes: [Node] = [], constants: ConstantTable = ConstantTable(),
    inputs: [ValueInfo] = [], outputs: [ValueInfo] = [], valueInfo: [ValueInfo] = []
  ) {
    self.name = name
    self.nodes = nodes
    self.constants = constants
    self.inputs = inputs
    self.outputs = outputs
    self.valueInfo = valueInfo
    quantization = []
  }
}

/// A text under a key.
public struct TextEntry: Sendable, Equatable {
  /// The key.
  public var key: String
  /// The text.
  public var value: String
  package var record = FileRecord<TextEntry>()

  /// A text under a key.
  public init(key: String, value: String) {
    self.key = key
    self.value = value
  }
}
