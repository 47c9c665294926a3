/// An operator of a graph, between the values that it takes and those that it makes.
public struct Node: Sendable, Equatable {
  /// The node's name; empty where it has none.
  public var name: String
  /// The operator, such as `Conv`, or the function.
  public var opType: String
  /// Whose operator it is; empty or `ai.onnx` for the standard's.
  public var domain: String
  /// Tells apart functions of one name and domain.
  public var overload: String
  /// The values that it takes, by name; empty where an optional one is left out.
  public var inputs: [String]
  /// The values that it makes, by name; empty where nobody wants an optional one.
  public var outputs: [String]
  /// Its settings.
  public var attributes: [Attribute]
  package var record = FileRecord<Node>()

  /// A node of a standard operator, or of another domain's.
  public init(
    name: String = "", opType: String, domain: String = "", inputs: [String], outputs: [String],
    attributes: [Attribute] = []
  ) {
    self.name = name
    self.opType = opType
    self.domain = domain
    overload = ""
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
  }

  /// The node's name, or its first output's where it has none.
  public var displayName: String { name.isEmpty ? outputs.first ?? opType : name }

  /// Whether the operator is one of the standard's.
  public var isStandard: Bool { domain.isEmpty || domain == "ai.onnx" }

  /// An input by its place; nil where it is left out.
  public func input(_ place: Int) -> String? {
    place < inputs.count && !inputs[place].isEmpty ? inputs[place] : nil
  }
}

extension Node {
  /// The setting of a name; nil where it is left out.
  public func attribute(_ name: String) -> Attribute.Value? {
    attributes.first { $0.name == name }?.value
  }

  /// A setting of one integer, or `value` where it is left out or something else.
  public func int(_ name: String, default value: Int) -> Int {
    guard case .int(let given) = attribute(name) else { return value }
    return given
  }

  /// A setting of one number, or `value` where it is left out or something else.
  public func float(_ name: String, default value: Float) -> Float {
    guard case .float(let given) = attribute(name) else { return value }
    return given
  }

  /// A setting of integers; nil where it is left out or something else.
  public func ints(_ name: String) -> [Int]? {
    guard case .ints(let given) = attribute(name) else { return nil }
    return given
  }

  /// A setting of numbers; nil where it is left out or something else.
  public func floats(_ name: String) -> [Float]? {
    guard case .floats(let given) = attribute(name) else { return nil }
    return given
  }

  /// A setting of short text; nil where it is left out or something else.
  public func string(_ name: String) -> String? {
    guard case .string(let given) = attribute(name), let bytes = given.bytesInMemory else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A setting of a tensor; nil where it is left out or something else.
  public func tensor(_ name: String) -> Constant? {
    guard case .tensor(let given) = attribute(name) else { return nil }
    return given
  }
}
