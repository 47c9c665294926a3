/// Who makes and who uses each value of the main graph.
struct GraphIndex {
  /// The place in `graph.node` of the node that makes a value.
  private(set) var producers: [String: Int] = [:]
  /// The places of the nodes that take a value as an input, one entry a use.
  private(set) var consumers: [String: [Int]] = [:]
  /// Names that the bodies of nodes (`If`, `Loop`, `Scan`) take from around them, or make themselves.
  private(set) var namesInBodies: Set<String> = []
  /// The graph's outputs.
  private(set) var outputs: Set<String> = []
  /// Constant values: initializers, and outputs of `Constant` nodes by place.
  private(set) var initializers: [String: Int] = [:]
  private(set) var constantNodes: [String: Int] = [:]

  init(_ graph: GraphProto) {
    for (index, tensor) in graph.initializer.enumerated() { initializers[tensor.name] = index }
    for (index, node) in graph.node.enumerated() {
      for output in node.output where !output.isEmpty { producers[output] = index }
      for input in node.input where !input.isEmpty { consumers[input, default: []].append(index) }
      if node.opType == "Constant" && node.isStandard, let output = node.output.first {
        constantNodes[output] = index
      }
      for attribute in node.attribute { Self.collect(attribute, into: &namesInBodies) }
    }
    outputs = Set(graph.output.map(\.name))
    for annotation in graph.quantizationAnnotation {
      namesInBodies.formUnion(annotation.quantParameterTensorNames.map(\.value))
    }
  }

  /// Whether anything but one node uses a value.
  func isUsedOnlyOnce(_ value: String) -> Bool {
    consumers[value]?.count == 1 && !outputs.contains(value) && !namesInBodies.contains(value)
  }

  /// All names in a body: those it takes from around it cannot be told from its own without scoping, and taking
  /// some for used that are not does no harm.
  private static func collect(_ attribute: AttributeProto, into names: inout Set<String>) {
    for graph in attribute.graphs + (attribute.hasG ? [attribute.g] : []) {
      for node in graph.node {
        names.formUnion(node.input)
        names.formUnion(node.output)
        for inner in node.attribute { collect(inner, into: &names) }
      }
      names.formUnion(graph.output.map(\.name))
      names.formUnion(graph.input.map(\.name))
      names.formUnion(graph.initializer.map(\.name))
    }
  }

  /// Every name of a value, for new names to keep clear of.
  var allNames: Set<String> {
    namesInBodies.union(producers.keys).union(consumers.keys).union(outputs).union(initializers.keys)
  }
}

extension GraphProto {
  /// The tensor behind a value that never changes; nil where it is computed or fed.
  func constant(_ value: String, _ index: GraphIndex) -> TensorProto? {
    if let place = index.initializers[value] { return initializer[place] }
    guard let place = index.constantNodes[value] else { return nil }
    return node[place].attribute("value").flatMap { $0.hasT ? $0.t : nil }
  }
}
