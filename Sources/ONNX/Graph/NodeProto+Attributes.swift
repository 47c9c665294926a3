extension NodeProto {
  /// The node's name, or its first output's where it has none.
  var displayName: String { name.isEmpty ? output.first ?? opType : name }

  /// Whether the operator is one of the standard's.
  var isStandard: Bool { domain.isEmpty || domain == "ai.onnx" }

  func attribute(_ name: String) -> AttributeProto? {
    attribute.first { $0.name == name }
  }

  func int(_ name: String, default value: Int) -> Int {
    attribute(name).map { Int($0.i) } ?? value
  }

  func float(_ name: String, default value: Float) -> Float {
    attribute(name)?.f ?? value
  }

  func ints(_ name: String) -> [Int]? {
    attribute(name).map { $0.ints.map(Int.init) }
  }

  func string(_ name: String) -> String? {
    attribute(name).map { String(decoding: $0.s, as: UTF8.self) }
  }

  /// An input by its place; nil where it is left out.
  func input(_ place: Int) -> String? {
    place < input.count && !input[place].isEmpty ? input[place] : nil
  }
}

extension AttributeProto {
  /// An attribute of integers, as strides and pads are.
  static func ints(_ name: String, _ values: [Int]) -> AttributeProto {
    var attribute = AttributeProto()
    attribute.name = name
    attribute.type = 7
    attribute.ints = values.map(Int64.init)
    return attribute
  }

  /// An attribute of one integer.
  static func int(_ name: String, _ value: Int) -> AttributeProto {
    var attribute = AttributeProto()
    attribute.name = name
    attribute.type = 2
    attribute.i = Int64(value)
    return attribute
  }
}
