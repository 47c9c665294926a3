import ModelGraph
import Tensors

/// Reads the nodes of graphs, and refuses what there is no operator for.
struct GraphLoader {
  let opset: Int
  let options: NetworkOptions

  /// A graph, and those inside it; `outer` gives the constants of the graphs around it.
  func load(
    _ graph: Graph, outer: @escaping (String) -> Constant? = { _ in nil }
  ) throws(NetworkError) -> LoadedGraph {
    func constant(_ name: String) -> Constant? { graph.constants[name] ?? outer(name) }
    var nodes: [LoadedNode] = []
    for node in graph.nodes { nodes.append(try load(node, in: graph, constant)) }
    var constants: [String: Constant] = [:]
    for constant in graph.constants { constants[constant.name] = constant }
    let kept = Set(graph.outputs.map(\.name)).union(GraphIndex(graph).namesInBodies)
    let fused = try ConvolutionFusion(nodes, kept: kept, options: options, constant: constant).applied()
    return LoadedGraph(
      nodes: fused, inputs: graph.inputs, outputs: graph.outputs, constants: constants)
  }

  private func load(
    _ node: Node, in graph: Graph, _ constant: @escaping (String) -> Constant?
  ) throws(NetworkError) -> LoadedNode {
    guard node.isStandard || node.domain == OperatorTable.ownDomain, let type = OperatorTable.type(of: node)
    else {
      let whose = node.isStandard ? "" : " of the domain '\(node.domain)'"
      throw .node(
        name: node.displayName, opType: node.opType, reason: "there is no operator of this name\(whose) here")
    }
    guard !node.outputs.isEmpty else {
      throw .node(name: node.displayName, opType: node.opType, reason: "it has no outputs")
    }
    let reader = NodeReader(
      node, opset: opset, options: options, graph: graph, outerConstant: constant,
      loadGraph: { inner throws(NetworkError) in try load(inner, outer: constant) })
    let op = try type.init(reader)
    try reader.requireNothingElse()
    let inputs = node.inputs.enumerated().map { reader.takenInputs.contains($0.offset) ? "" : $0.element }
    return LoadedNode(
      label: NodeLabel(name: node.displayName, opType: node.opType), op: op, inputs: inputs + reader.captured,
      outputs: node.outputs)
  }

}
