import Conv
import ModelGraph
import Tensors

/// Lets convolutions take up what follows them: scales and shifts of channels, activations, and the addition of another
/// value; and joins convolutions that follow one another to one chain.
///
/// A value is taken up where nobody else needs it.
struct ConvolutionFusion {
  private let options: NetworkOptions
  private let constant: (String) -> Constant?
  private var nodes: [LoadedNode?]
  private var uses: [String: Int] = [:]
  private var consumers: [String: Int] = [:]

  /// Fusion among the nodes of a graph; `kept` are the values that others than nodes need.
  init(
    _ nodes: [LoadedNode], kept: Set<String>, options: NetworkOptions,
    constant: @escaping (String) -> Constant?
  ) {
    self.nodes = nodes
    self.options = options
    self.constant = constant
    for (place, node) in nodes.enumerated() {
      for input in node.inputs where !input.isEmpty {
        uses[input, default: 0] += 1
        consumers[input] = place
      }
    }
    for name in kept { uses[name, default: 0] += 2 }
  }

  /// The nodes that are left.
  func applied() throws(NetworkError) -> [LoadedNode] {
    var fusion = self
    if !options.disabledPasses.contains(.fusion) {
      for place in nodes.indices { try fusion.takeUpFollowers(of: place) }
      for place in nodes.indices { fusion.putPoolFirst(at: place) }
      for place in nodes.indices { fusion.joinSum(behind: place) }
      for place in nodes.indices { fusion.joinAddition(behind: place) }
    }
    if !options.disabledPasses.contains(.chains) {
      for place in nodes.indices.reversed() { fusion.joinFollower(of: place) }
    }
    return fusion.nodes.compactMap { $0 }
  }

  /// The node that alone takes what a node makes; nil where there are others, or none.
  private func follower(of node: LoadedNode) -> Int? {
    guard node.outputs.count == 1, uses[node.outputs[0]] == 1 else { return nil }
    return consumers[node.outputs[0]]
  }

  private mutating func takeUpFollowers(of first: Int) throws(NetworkError) {
    guard var node = nodes[first],
      node.op is ConvolutionOperator || node.op is any DenseOperator
        || node.op is ConvolutionTransposeOperator
    else { return }
    var place = first
    while let next = follower(of: node), let other = nodes[next], other.outputs.count == 1,
      let taken = try taken(other, by: node)
    {
      node = LoadedNode(
        label: NodeLabel(name: node.label.name, opType: "\(node.label.opType)+\(other.label.opType)"),
        op: taken.op, inputs: node.inputs + taken.inputs, outputs: other.outputs)
      nodes[place] = nil
      nodes[next] = node
      for input in node.inputs where consumers[input] == place { consumers[input] = next }
      place = next
    }
  }

  /// A product with what follows it taken up, and what it takes besides; nil where that cannot be.
  private func taken(
    _ node: LoadedNode, by product: LoadedNode
  ) throws(NetworkError) -> (op: any Lowering, inputs: [String])? {
    if let convolution = product.op as? ConvolutionOperator {
      return try taken(node, by: convolution, making: product.outputs[0])
    }
    if let convolution = product.op as? ConvolutionTransposeOperator {
      if let activation = (node.op as? any ActivationOperator)?.activation {
        return convolution.taking(activation).map { ($0, []) }
      }
      guard let shape = convolution.constantShape,
        let affine = try affine(of: node, on: product.outputs[0], shape.channels, order: shape.order)
      else { return nil }
      return convolution.combined(affine).map { ($0, []) }
    }
    guard let dense = product.op as? any DenseOperator, let matrix = dense.product else { return nil }
    if let activation = (node.op as? any ActivationOperator)?.activation {
      return matrix.followed(by: activation).map { (dense.with($0), []) }
    }
    guard let binary = node.op as? BinaryOperator, binary.opType == "Add", node.inputs.count == 2,
      let other = node.inputs.first(where: { $0 != product.outputs[0] }), let constant = constant(other),
      constant.extents.last == matrix.outputs, constant.shape?.count == matrix.outputs,
      constant.extents.count == 1,
      let bias = try floats(constant)
    else { return nil }
    return matrix.followed(adding: bias).map { (dense.with($0), []) }
  }

  /// A convolution with what follows it taken up, and what it takes besides; nil where that cannot be.
  private func taken(
    _ node: LoadedNode, by convolution: ConvolutionOperator, making value: String
  ) throws(NetworkError) -> (op: any Lowering, inputs: [String])? {
    if let unary = node.op as? any ActivationOperator {
      return unary.activation.flatMap { convolution.followed(by: $0) }.map { ($0, []) }
    }
    if let affine = normalization(node) { return convolution.combined(affine).map { ($0, []) } }
    guard let (binary, other) = binary(node, on: value), let layer = convolution.layers.last else {
      return nil
    }
    if let constant = constant(other) {
      let shape = layer.weights.shape
      guard let numbers = try perChannel(constant, shape[0], order: shape.order) else { return nil }
      return convolution.combined(binary.opType, numbers, isFirst: node.inputs[0] == value).map { ($0, []) }
    }
    guard binary.opType == "Add", let adding = convolution.adding() else { return nil }
    return (adding, [other])
  }

  /// What a node does to each channel of a value by itself; nil where it does anything else.
  private func affine(
    of node: LoadedNode, on value: String, _ channels: Int, order: Int
  ) throws(NetworkError) -> ChannelAffine? {
    if let affine = normalization(node) { return affine }
    guard let (binary, other) = binary(node, on: value), let constant = constant(other),
      let numbers = try perChannel(constant, channels, order: order)
    else { return nil }
    return ChannelAffine(binary.opType, numbers, isFirst: node.inputs[0] == value)
  }

  /// The scales and shifts of a BatchNormalization whose statistics are constants.
  private func normalization(_ node: LoadedNode) -> ChannelAffine? {
    guard !options.disabledPasses.contains(.batchNormalization) else { return nil }
    let affine = (node.op as? BatchNormalizationOperator)?.affine
    return affine.map { ChannelAffine(scale: $0.scale, shift: $0.shift) }
  }

  /// An operation on two values of which a given one is one, and the other's name.
  private func binary(_ node: LoadedNode, on value: String) -> (BinaryOperator, other: String)? {
    guard let binary = node.op as? BinaryOperator, node.inputs.count == 2, node.inputs[0] != node.inputs[1],
      let other = node.inputs.first(where: { $0 != value })
    else { return nil }
    return (binary, other)
  }

  private func floats(_ constant: Constant) throws(NetworkError) -> [Float]? {
    guard constant.type.elementType != nil else { return nil }
    let read = try NetworkTensor(constant) { .constant(name: constant.name, reason: $0) }
    return read.floats?.elements
  }

  /// One number for each output channel, out of a constant that is the same along all other axes.
  private func perChannel(
    _ constant: Constant, _ channels: Int, order: Int
  ) throws(NetworkError) -> [Float]? {
    guard let shape = constant.shape, constant.type.elementType != nil else { return nil }
    let extents = shape.extents
    guard shape.count == 1 || shape.count == channels, extents.count <= order else { return nil }
    if shape.count > 1 {
      let axis = extents.count - (order - 1)
      guard axis >= 0, extents[axis] == channels else { return nil }
    }
    guard let floats = try floats(constant) else { return nil }
    return floats.count == 1 ? [Float](repeating: floats[0], count: channels) : floats
  }

  /// Puts the pool behind an activation in front of it, where that gives the same: the largest of rising functions' values is
  /// that of the largest element, and a pool leaves fewer of them.
  private mutating func putPoolFirst(at place: Int) {
    guard let node = nodes[place], let activation = (node.op as? any ActivationOperator)?.activation,
      activation.isRising, let next = follower(of: node), let other = nodes[next],
      (other.op as? PoolOperator)?.isMaximumInside ?? false, other.outputs.count == 1
    else { return }
    nodes[place] = LoadedNode(label: other.label, op: other.op, inputs: node.inputs, outputs: node.outputs)
    nodes[next] = LoadedNode(label: node.label, op: node.op, inputs: other.inputs, outputs: other.outputs)
  }

  /// Joins a product and the sum with another value behind it to one step.
  private mutating func joinSum(behind place: Int) {
    guard let node = nodes[place], let product = node.op as? BinaryOperator, product.opType == "Mul",
      let next = follower(of: node), let other = nodes[next], let sum = other.op as? BinaryOperator,
      sum.opType == "Add", node.inputs.count == 2, other.inputs.count == 2,
      let added = other.inputs.first(where: { $0 != node.outputs[0] })
    else { return }
    join(
      place, next, ProductSumOperator(product, sum, productIsFirst: other.inputs[0] == node.outputs[0]),
      "Mul+Add", inputs: node.inputs + [added])
  }

  /// Joins a resize and the addition behind it, which may read each element several times where it is repeated.
  private mutating func joinAddition(behind place: Int) {
    guard let node = nodes[place], let resize = node.op as? ResizeOperator, let next = follower(of: node),
      let other = nodes[next], let sum = other.op as? BinaryOperator, sum.opType == "Add",
      other.inputs.count == 2, let added = other.inputs.first(where: { $0 != node.outputs[0] })
    else { return }
    join(place, next, ResizedSumOperator(resize, sum), "Resize+Add", inputs: [added] + node.inputs)
  }

  /// Puts an operator in the place of two nodes, of which the second one alone takes what the first one makes.
  private mutating func join(
    _ place: Int, _ next: Int, _ op: any Lowering, _ opType: String, inputs: [String]
  ) {
    guard let first = nodes[place], let last = nodes[next] else { return }
    nodes[place] = nil
    nodes[next] = LoadedNode(
      label: NodeLabel(name: first.label.name, opType: opType), op: op, inputs: inputs, outputs: last.outputs)
    for input in inputs where consumers[input] == place { consumers[input] = next }
  }

  /// Joins a convolution with the one that alone takes what it makes.
  private mutating func joinFollower(of place: Int) {
    guard let node = nodes[place], let convolution = node.op as? ConvolutionOperator,
      let next = follower(of: node),
      let other = nodes[next], let second = other.op as? ConvolutionOperator,
      other.inputs.first == node.outputs[0],
      let chain = convolution.chained(with: second)
    else { return }
    nodes[place] = nil
    nodes[next] = LoadedNode(
      label: NodeLabel(
        name: "\(node.label.name) ... \(other.label.name)",
        opType: "\(node.label.opType) | \(other.label.opType)"),
      op: chain, inputs: node.inputs + other.inputs.dropFirst(), outputs: other.outputs)
    for input in node.inputs where consumers[input] == place { consumers[input] = next }
  }
}
