import ModelGraph
import Tensors

/// Reads the nodes of graphs, and refuses what there is no operator for.
struct GraphLoader {
  let opset: Int
  let options: NetworkOptions
  /// Values that are asked for besides the graph's outputs.
  var wanted: Set<String> = []

  /// A graph, and those inside it; `outer` gives the constants of the graphs around it.
  func load(
    _ graph: Graph, outer: @escaping (String) -> Constant? = { _ in nil }
  ) throws(NetworkError) -> LoadedGraph {
    func constant(_ name: String) -> Constant? { graph.constants[name] ?? outer(name) }
    var nodes: [LoadedNode] = []
    for node in graph.nodes { nodes.append(try load(node, in: graph, constant)) }
    var constants: [String: Constant] = [:]
    for constant in graph.constants { constants[constant.name] = constant }
    let kept = Set(graph.outputs.map(\.name)).union(GraphIndex(graph).namesInBodies).union(wanted)
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

/// The operators, by the names that nodes have for them.
enum OperatorTable {
  /// The domain of operators that passes of this package make.
  static let ownDomain = "swift-lowrank"

  private static let types: [any Operator.Type] = [
    ConvolutionOperator.self,
    UnaryOperator.self,
    BinaryOperator.self,
    CastOperator.self,
    TransposeOperator.self,
    ReshapeOperator.self,
    ConcatOperator.self,
    SliceOperator.self,
    SplitOperator.self,
    ShapeOperator.self,
    ConstantOperator.self,
    PoolOperator.self,
    GlobalPoolOperator.self,
    GemmOperator.self,
    MatMulOperator.self,
    SoftmaxOperator.self,
    ConvolutionTransposeOperator.self,
    ResizeOperator.self,
    GatherOperator.self,
    GatherElementsOperator.self,
    GatherNDOperator.self,
    ExpandOperator.self,
    TileOperator.self,
    PadOperator.self,
    ReverseSequenceOperator.self,
    TriluOperator.self,
    CompressOperator.self,
    RangeOperator.self,
    ConstantOfShapeOperator.self,
    EyeLikeOperator.self,
    WhereOperator.self,
    ClipOperator.self,
    TruthOperator.self,
    OneHotOperator.self,
    TopKOperator.self,
    NonZeroOperator.self,
    NonMaxSuppressionOperator.self,
    UniqueOperator.self,
    IfOperator.self,
    LoopOperator.self,
    ScanOperator.self,
    ReduceOperator.self,
    BatchNormalizationOperator.self,
    StandardizationOperator.self,
    RootMeanSquareOperator.self,
    NormOperator.self,
    ExtremumOperator.self,
    RunningSumOperator.self,
    HardmaxOperator.self,
    LocalResponseOperator.self,
    DepthSpaceOperator.self,
    RecurrentOperator.self,
    EinsumOperator.self,
  ]

  private static let byName: [String: any Operator.Type] = {
    var table: [String: any Operator.Type] = [:]
    for type in types {
      for name in type.opTypes { table[name] = type }
    }
    return table
  }()

  /// The operator of a node; nil where there is none.
  static func type(of node: Node) -> (any Operator.Type)? { byName[node.opType] }

  /// Every operator's name.
  static var names: [String] { byName.keys.sorted() }
}
