import ModelGraph

/// The rules, by the names of the operators.
enum GradientTable {
  private static let rules: [any GradientRule.Type] = [
    ConvolutionRule.self,
    ConvolutionTransposeRule.self,
    GemmRule.self,
    MatMulRule.self,
    BatchNormalizationRule.self,
    ActivationRule.self,
    ParametricReLURule.self,
    ClipRule.self,
    ArithmeticRule.self,
    MaxPoolRule.self,
    AveragePoolRule.self,
    GlobalPoolRule.self,
    ReshapeRule.self,
    MovementRule.self,
    ResizeRule.self,
    ReductionRule.self,
    SoftmaxRule.self,
    LayerNormalizationRule.self,
  ]

  private static let byName: [String: any GradientRule.Type] = {
    var table: [String: any GradientRule.Type] = [:]
    for rule in rules {
      for name in rule.opTypes { table[name] = rule }
    }
    return table
  }()

  /// The rule for a node; nil where there is none.
  static func rule(for node: Node) -> (any GradientRule.Type)? { node.isStandard ? byName[node.opType] : nil }

  /// The operators that have one.
  static var names: [String] { byName.keys.sorted() }
}
