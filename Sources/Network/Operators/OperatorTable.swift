import ModelGraph

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
