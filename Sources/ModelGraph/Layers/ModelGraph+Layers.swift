internal import TensorFiles
internal import Tensors

extension ModelGraph {
  /// The convolutions and fully connected layers of the main graph, in its order, with what hinders each.
  ///
  /// Nodes in the bodies of `If`, `Loop` and `Scan` and in functions are not listed; they stay as they are.
  ///
  /// **Throws** `ModelError` where a BatchNormalization's parameters lie in a file that cannot be read.
  public func layers(foldingBatchNormalization: Bool = true) throws(ModelError) -> [FactorableLayer] {
    let reader = LayerReader(graph: main, opset: opsetVersion, folds: foldingBatchNormalization)
    var names = UniqueNames()
    var layers: [FactorableLayer] = []
    do throws(FileError) {
      for place in main.nodes.indices {
        if let layer = try reader.layer(at: place, &names) { layers.append(layer) }
      }
    } catch { throw .file(error) }
    return layers
  }
}

/// Makes a `FactorableLayer` of a node.
private struct LayerReader {
  let graph: Graph
  let opset: Int
  let folds: Bool
  let index: GraphIndex

  init(graph: Graph, opset: Int, folds: Bool) {
    self.graph = graph
    self.opset = opset
    self.folds = folds
    index = GraphIndex(graph)
  }

  /// The layer at a place in the graph; nil for nodes that have no weights.
  func layer(at place: Int, _ names: inout UniqueNames) throws(FileError) -> FactorableLayer? {
    let node = graph.nodes[place]
    guard node.isStandard, let op = FactorableLayer.Operator(rawValue: node.opType),
      let side = weightSide(node, op)
    else { return nil }
    let name = names.unique(node.displayName)
    let weight = node.input(side) ?? ""
    let layout = layout(node, op, side)
    let groups = op.isConvolution ? node.int("group", default: 1) : 1
    let stored = index.weight(weight, in: graph)
    let shape = stored?.shape.flatMap { kernelShape($0, layout, op, groups) }.flatMap { shape in
      groups >= 1 && shape[0] % groups == 0 ? shape : nil
    }
    let obstacle = obstacle(node, op, side: side, stored, shape: shape)
    var normalization: BatchNormalization?
    if folds, obstacle == nil, op.isConvolution, let shape {
      normalization = try graph.foldableBatchNormalization(behind: place, outputChannels: shape[0], index)
    }
    return FactorableLayer(
      name: name, op: op, kernelShape: shape, groups: groups, elementType: stored?.type.elementType,
      weight: weight, obstacle: obstacle?.onOneLine, node: place, layout: layout,
      batchNormalization: normalization,
      stored: stored)
  }

  /// Which input holds the weight; nil for a product of two computed or two constant values.
  private func weightSide(_ node: Node, _ op: FactorableLayer.Operator) -> Int? {
    guard op == .matMul else { return node.inputs.count >= 2 ? 1 : nil }
    let constants = (0..<2).filter { side in
      node.input(side).map { index.weight($0, in: graph) != nil } ?? false
    }
    return constants.count == 1 ? constants[0] : nil
  }

  private func layout(_ node: Node, _ op: FactorableLayer.Operator, _ side: Int) -> WeightLayout {
    switch op {
    case .conv: .outputsFirst
    case .convTranspose: .inputsFirst
    case .gemm: node.int("transB", default: 0) != 0 ? .outputsFirst : .inputsFirst
    case .matMul: side == 0 ? .outputsFirst : .inputsFirst
    }
  }

  /// `[T, S / groups, D...]` of a stored shape; nil where it has too few axes or extents of 0.
  private func kernelShape(
    _ stored: Shape, _ layout: WeightLayout, _ op: FactorableLayer.Operator, _ groups: Int
  ) -> Shape? {
    guard op.isConvolution ? stored.order >= 2 : stored.order == 2, stored.count > 0 else { return nil }
    guard layout == .inputsFirst else { return stored }
    var extents = stored.extents
    extents.swapAt(0, 1)
    // A transposed convolution stores [S, T / groups, ...].
    if op == .convTranspose && groups > 1 && extents[1] % groups == 0 {
      extents[0] *= groups
      extents[1] /= groups
    }
    return Shape(checking: extents)
  }

  private func obstacle(
    _ node: Node, _ op: FactorableLayer.Operator, side: Int, _ stored: StoredWeight?, shape: Shape?
  ) -> String? {
    guard let stored else {
      let producer = node.input(side).flatMap { index.producers[$0] }.map { graph.nodes[$0].opType }
      return "its weight is not constant" + (producer.map { ": \($0) computes it" } ?? "")
    }
    guard let type = stored.type.elementType, type != .float64 else {
      return "its weights are neither float32 nor float16 nor bfloat16"
    }
    if !op.isConvolution && stored.extents.count != 2 {
      return "its constant matrix has \(stored.extents.count) axes"
    }
    guard let shape, stored.hasFloats else {
      return "its weight is empty, or contradicts its own extents or the number of groups"
    }
    guard let input = node.input(1 - side), index.weight(input, in: graph) == nil else {
      return "its input is constant"
    }
    guard node.outputs.first?.isEmpty == false else { return "nothing uses it: it has no output" }
    if op == .convTranspose && node.int("group", default: 1) > 1 {
      return "it is a transposed convolution with groups"
    }
    if op.isConvolution {
      return node.obstacleToStages(kernel: shape)
    }
    if op == .gemm && node.int("transA", default: 0) != 0 && opset < 11 {
      return "a Gemm with transA cannot be split before opset 11"
    }
    return nil
  }
}
