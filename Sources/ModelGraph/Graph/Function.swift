/// Nodes under the name of an operator, which nodes of a graph call.
public struct Function: Sendable, Equatable {
  /// The name that nodes call it by.
  public var name: String
  /// Whose function it is.
  public var domain: String
  /// Tells apart functions of one name and domain.
  public var overload: String
  /// The values that it takes.
  public var inputs: [String]
  /// The values that it makes.
  public var outputs: [String]
  /// The attributes that a call has to give.
  public var attributes: [String]
  /// The attributes that a call may leave out, as they are then.
  public var defaults: [Attribute]
  /// The nodes, each behind those whose values it takes.
  public var nodes: [Node]
  /// The versions of the operators that the nodes are of.
  public var operatorSets: [OperatorSet]
  package var record = FileRecord<Function>()

  /// A function of a domain.
  public init(name: String, domain: String, inputs: [String], outputs: [String], nodes: [Node]) {
    self.name = name
    self.domain = domain
    overload = ""
    self.inputs = inputs
    self.outputs = outputs
    attributes = []
    defaults = []
    self.nodes = nodes
    operatorSets = []
  }
}

/// Which version of a domain's operators is meant.
public struct OperatorSet: Sendable, Equatable {
  /// The domain; empty or `ai.onnx` for the standard's.
  public var domain: String
  /// The version.
  public var version: Int
  package var record = FileRecord<OperatorSet>()

  /// A version of a domain's operators.
  public init(domain: String = "", version: Int) {
    self.domain = domain
    self.version = version
  }

  /// Whether the operators are the standard's.
  public var isStandard: Bool { domain.isEmpty || domain == "ai.onnx" }
}
