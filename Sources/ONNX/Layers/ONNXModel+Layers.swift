import Tensors

extension ONNXModel {
  /// The convolutions and fully connected layers of the main graph, in its order, with what hinders each.
  ///
  /// Nodes in the bodies of `If`, `Loop` and `Scan` and in functions are not listed; they stay as they are.
  public func layers(foldingBatchNormalization: Bool = true) -> [ONNXLayer] {
    let reader = LayerReader(graph: proto.graph, opset: opsetVersion, folds: foldingBatchNormalization)
    var names = UniqueNames()
    return proto.graph.node.indices.compactMap { reader.layer(at: $0, &names) }
  }
}

/// Makes an `ONNXLayer` of a node.
private struct LayerReader {
  let graph: GraphProto
  let opset: Int
  let folds: Bool
  let index: GraphIndex

  init(graph: GraphProto, opset: Int, folds: Bool) {
    self.graph = graph
    self.opset = opset
    self.folds = folds
    index = GraphIndex(graph)
  }

  /// The layer at a place in the graph; nil for nodes that have no weights.
  func layer(at place: Int, _ names: inout UniqueNames) -> ONNXLayer? {
    let node = graph.node[place]
    guard node.isStandard, let op = ONNXLayer.Operator(rawValue: node.opType), let side = weightSide(node, op)
    else { return nil }
    let name = names.unique(node.displayName)
    let weight = node.input(side) ?? ""
    let layout = layout(node, op, side)
    let groups = op.isConvolution ? node.int("group", default: 1) : 1
    let tensor = graph.constant(weight, index)
    let shape = tensor?.shape.flatMap { kernelShape($0, layout, op, groups) }.flatMap { shape in
      groups >= 1 && shape[0] % groups == 0 ? shape : nil
    }
    let obstacle = obstacle(node, op, side: side, tensor: tensor, shape: shape)
    let normalization =
      folds && obstacle == nil && op.isConvolution
      ? shape.flatMap { graph.foldableBatchNormalization(behind: place, outputChannels: $0[0], index) } : nil
    return ONNXLayer(
      name: name, op: op, kernelShape: shape, groups: groups, elementType: tensor?.elementType,
      weight: weight, obstacle: obstacle?.onOneLine, node: place, layout: layout,
      batchNormalization: normalization)
  }

  /// Which input holds the weight; nil for a product of two computed or two constant values.
  private func weightSide(_ node: NodeProto, _ op: ONNXLayer.Operator) -> Int? {
    guard op == .matMul else { return node.input.count >= 2 ? 1 : nil }
    let constants = (0..<2).filter { side in
      node.input(side).map { graph.constant($0, index) != nil } ?? false
    }
    return constants.count == 1 ? constants[0] : nil
  }

  private func layout(_ node: NodeProto, _ op: ONNXLayer.Operator, _ side: Int) -> WeightLayout {
    switch op {
    case .conv: .outputsFirst
    case .convTranspose: .inputsFirst
    case .gemm: node.int("transB", default: 0) != 0 ? .outputsFirst : .inputsFirst
    case .matMul: side == 0 ? .outputsFirst : .inputsFirst
    }
  }

  /// `[T, S / groups, D...]` of a stored shape; nil where it has too few axes or extents of 0.
  private func kernelShape(
    _ stored: Shape, _ layout: WeightLayout, _ op: ONNXLayer.Operator, _ groups: Int
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
    _ node: NodeProto, _ op: ONNXLayer.Operator, side: Int, tensor: TensorProto?, shape: Shape?
  ) -> String? {
    guard let tensor else {
      let producer = node.input(side).flatMap { index.producers[$0] }.map { graph.node[$0].opType }
      return "its weight is not constant" + (producer.map { ": \($0) computes it" } ?? "")
    }
    guard let type = tensor.elementType, type != .float64 else {
      return "its weights are neither float32 nor float16 nor bfloat16"
    }
    if !op.isConvolution && tensor.dims.count != 2 {
      return "its constant matrix has \(tensor.dims.count) axes"
    }
    guard let shape, tensor.hasFloatValues else {
      return "its weight is empty, or contradicts its own extents or the number of groups"
    }
    guard let input = node.input(1 - side), graph.constant(input, index) == nil else {
      return "its input is constant"
    }
    guard node.output.first?.isEmpty == false else { return "nothing uses it: it has no output" }
    if op == .convTranspose && node.int("group", default: 1) > 1 {
      return "it is a transposed convolution with groups"
    }
    if op.isConvolution {
      return ConvolutionAttributes.obstacle(node, kernel: shape)
    }
    if op == .gemm && node.int("transA", default: 0) != 0 && opset < 11 {
      return "a Gemm with transA cannot be split before opset 11"
    }
    return nil
  }
}
