public import ModelGraph

extension ModelGraph {
  /// Puts the stages of factored layers in the layers' places, in one pass.
  ///
  /// Every value that a node, a body or the graph's user may rely on keeps its name; the nodes stay in topological
  /// order. Constants that only the replaced nodes used go, and so do descriptions of values that are no more.
  ///
  /// **Shapes** see `LayerReplacement`. The layers must come from this model as it is now.
  public mutating func replace(_ replacements: [LayerReplacement]) {
    guard !replacements.isEmpty else { return }
    let index = GraphIndex(main)
    var stageNodes = StageNodes(taken: index.allNames.union(main.nodes.map(\.name)))
    let replacementAt = Dictionary(uniqueKeysWithValues: replacements.map { ($0.layer.node, $0) })
    let folded = Set(replacements.compactMap { $0.layer.batchNormalization?.node })
    var nodes: [Node] = []
    var released = Set<String>()
    for (place, node) in main.nodes.enumerated() {
      if let replacement = replacementAt[place] {
        nodes += stageNodes.nodes(for: replacement, graph: main)
        released.formUnion(node.inputs + node.outputs)
      } else if folded.contains(place) {
        released.formUnion(node.inputs)
      } else {
        nodes.append(node)
      }
    }
    main.nodes = nodes
    for constant in stageNodes.constants { add(constant) }
    main.removeUnusedValues(among: released)
  }
}
