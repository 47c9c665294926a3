/// Who makes and who uses each value of the main graph.
package struct GraphIndex: Sendable {
  /// The place in `nodes` of the node that makes a value.
  package private(set) var producers: [String: Int] = [:]
  /// The places of the nodes that take a value as an input, one entry a use.
  package private(set) var consumers: [String: [Int]] = [:]
  /// Names that the bodies of nodes (`If`, `Loop`, `Scan`) take from around them, or make themselves.
  package private(set) var namesInBodies: Set<String> = []
  /// The graph's outputs.
  package private(set) var outputs: Set<String> = []
  /// The places of `Constant` nodes, by what they make.
  private var constantNodes: [String: Int] = [:]
  /// Names of constants, inputs, and values that are described.
  private let named: Set<String>

  package init(_ graph: Graph) {
    named = Set(graph.constants.map(\.name) + (graph.inputs + graph.valueInfo).map(\.name))
    for (index, node) in graph.nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { producers[output] = index }
      for input in node.inputs where !input.isEmpty { consumers[input, default: []].append(index) }
      if node.opType == "Constant" && node.isStandard, let output = node.outputs.first {
        constantNodes[output] = index
      }
      for attribute in node.attributes { Self.collect(attribute, into: &namesInBodies) }
    }
    outputs = Set(graph.outputs.map(\.name))
    for entry in graph.quantization { namesInBodies.formUnion(entry.parameters.map(\.value)) }
  }

  /// Whether one node uses a value, once, and nothing else does.
  package func isUsedOnlyOnce(_ value: String) -> Bool {
    consumers[value]?.count == 1 && !outputs.contains(value) && !namesInBodies.contains(value)
  }

  /// All names in a body: those it takes from around it cannot be told from its own without scoping, and taking
  /// some for used that are not does no harm.
  private static func collect(_ attribute: Attribute, into names: inout Set<String>) {
    for graph in attribute.graphs {
      for node in graph.nodes {
        names.formUnion(node.inputs)
        names.formUnion(node.outputs)
        for inner in node.attributes { collect(inner, into: &names) }
      }
      names.formUnion(graph.outputs.map(\.name))
      names.formUnion(graph.inputs.map(\.name))
      names.formUnion(graph.constants.map(\.name))
    }
  }

  /// Every name of a value, for new names to keep clear of.
  package var allNames: Set<String> {
    namesInBodies.union(producers.keys).union(consumers.keys).union(outputs).union(named)
  }

  /// Whether anything refers to a value.
  package func isUsed(_ value: String) -> Bool {
    consumers[value] != nil || outputs.contains(value) || namesInBodies.contains(value)
  }

  /// The tensor behind a value of the graph that never changes; nil where it is computed or fed.
  package func constant(_ value: String, in graph: Graph) -> Constant? {
    if let constant = graph.constants[value] { return constant }
    return constantNodes[value].flatMap { graph.nodes[$0].tensor("value") }
  }

  /// The number that a value is which never changes and has one element; nil for others.
  package func number(_ value: String, in graph: Graph) -> Float? {
    guard let constant = constant(value, in: graph), constant.shape?.count == 1 else { return nil }
    return (try? constant.floats())?.elements.first
  }
}
