import Tensors

extension ONNXModel {
  /// Puts the stages of factored layers in the layers' places, in one pass.
  ///
  /// Every value that a node, a body or the graph's user may rely on keeps its name; the nodes stay in topological
  /// order. Constants that only the replaced nodes used go, and so do descriptions of values that are no more.
  ///
  /// **Shapes** see `LayerReplacement`. The layers must come from this model as it is now.
  public mutating func replace(_ replacements: [LayerReplacement]) {
    guard !replacements.isEmpty else { return }
    let index = GraphIndex(proto.graph)
    var stageNodes = StageNodes(taken: index.allNames.union(proto.graph.node.map(\.name)))
    let replacementAt = Dictionary(uniqueKeysWithValues: replacements.map { ($0.layer.node, $0) })
    let folded = Set(replacements.compactMap { $0.layer.batchNormalization?.node })
    var nodes: [NodeProto] = []
    var released = Set<String>()
    for (place, node) in proto.graph.node.enumerated() {
      if let replacement = replacementAt[place] {
        nodes += stageNodes.nodes(for: replacement, graph: proto.graph)
        released.formUnion(node.input + node.output)
      } else if folded.contains(place) {
        released.formUnion(node.input)
      } else {
        nodes.append(node)
      }
    }
    proto.graph.node = nodes
    proto.graph.initializer += stageNodes.initializers
    if proto.irVersion < 4 { proto.graph.input += stageNodes.initializers.map(ValueInfoProto.init(tensor:)) }
    proto.graph.removeUnused(among: released)
  }
}

extension GraphProto {
  /// Takes away constants, and descriptions of values, that nothing refers to any more.
  fileprivate mutating func removeUnused(among candidates: Set<String>) {
    let index = GraphIndex(self)
    let unused = candidates.filter {
      index.consumers[$0] == nil && !index.outputs.contains($0) && !index.namesInBodies.contains($0)
    }
    let removed = unused.filter { index.initializers[$0] != nil }
    initializer.removeAll { removed.contains($0.name) }
    input.removeAll { removed.contains($0.name) }
    node.removeAll { $0.opType == "Constant" && $0.isStandard && $0.output.allSatisfy(unused.contains) }
    let gone = unused.subtracting(input.map(\.name))
    valueInfo.removeAll { gone.contains($0.name) }
    quantizationAnnotation.removeAll { gone.contains($0.tensorName) }
  }
}

extension ValueInfoProto {
  /// The description of an initializer, which models before IR version 4 list among their inputs.
  fileprivate init(tensor: TensorProto) {
    self.init()
    name = tensor.name
    type.tensorType.elemType = tensor.dataType
    type.tensorType.shape.dim = tensor.dims.map { extent in
      var dim = TensorShapeProto.Dimension()
      dim.dimValue = extent
      return dim
    }
  }
}
