extension ModelGraph {
  /// Some nodes of the main graph as a model of their own: it takes what they take from around them, and makes `outputs`.
  ///
  /// What a `Constant` node makes is a constant of the piece. Values between the pieces are not described: their shapes are
  /// those of whatever flows.
  ///
  /// **Shapes** `places` in the graph's order; `outputs` are made by these nodes.
  ///
  /// **Complexity** one walk over the nodes; constants are shared with the model.
  package func piece(of places: [Int], making outputs: [String]) -> ModelGraph {
    let index = GraphIndex(main)
    var graph = Graph(name: main.name)
    graph.nodes = places.map { main.nodes[$0] }.filter { !isConstantNode($0) }
    let made = Set(graph.nodes.flatMap(\.outputs))
    var seen = Set<String>()
    let inner = GraphIndex(graph)
    let taken = graph.nodes.flatMap(\.inputs) + inner.namesInBodies.sorted()
    for name in taken where !name.isEmpty && !made.contains(name) && seen.insert(name).inserted {
      if var constant = index.constant(name, in: main) {
        constant.name = name
        graph.constants.append(constant)
      } else if index.producers[name] != nil || inputs.contains(where: { $0.name == name }) {
        graph.inputs.append(ValueInfo(name: name))
      }
    }
    graph.outputs = outputs.map { ValueInfo(name: $0) }
    var model = ModelGraph(
      path: path, main: graph, operatorSets: operatorSets, formatVersion: max(formatVersion, 4),
      byteCount: byteCount, externalFiles: externalFiles)
    model.functions = functions
    return model
  }

  /// Whether a node only holds a tensor, which `GraphIndex.constant` gives.
  private func isConstantNode(_ node: Node) -> Bool {
    node.opType == "Constant" && node.isStandard && node.tensor("value") != nil
  }

  /// The values that nodes outside of `places` take, bodies in them included, or that the model makes.
  package func valuesNeeded(outside places: Set<Int>) -> Set<String> {
    var graph = Graph()
    graph.nodes = main.nodes.indices.filter { !places.contains($0) }.map { main.nodes[$0] }
    let rest = GraphIndex(graph)
    return Set(rest.consumers.keys).union(rest.namesInBodies).union(main.outputs.map(\.name))
  }
}
