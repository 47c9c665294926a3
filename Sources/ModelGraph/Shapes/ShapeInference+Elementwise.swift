internal import Tensors

extension ShapeInference {
  private static let unary: Set<String> = [
    "Abs", "BatchNormalization", "Cast", "Ceil", "Celu", "Clip", "Cos", "CumSum", "DequantizeLinear",
    "Dropout", "Elu",
    "Erf", "Exp", "Floor", "Gelu", "GroupNormalization", "HardSigmoid", "HardSwish", "Hardmax", "Identity",
    "InstanceNormalization", "LRN", "LayerNormalization", "LeakyRelu", "Log", "LogSoftmax", "LpNormalization",
    "MeanVarianceNormalization", "Mish", "Neg", "Not", "QuantizeLinear", "Reciprocal", "Relu", "Round",
    "Selu",
    "Sigmoid", "Sign", "Sin", "Softmax", "Softplus", "Softsign", "Sqrt", "Swish", "Tanh", "ThresholdedRelu",
  ]
  private static let broadcasting: Set<String> = [
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean", "Min",
    "Mod",
    "Mul", "Or", "Pow", "Sub", "Sum", "Where", "Xor",
  ]

  /// Operators whose output has the extents of an input, or of all inputs after broadcasting.
  func elementwise(_ node: Node) -> [Extents?]? {
    if Self.unary.contains(node.opType) || node.opType == "PRelu" { return [extents(node, 0)] }
    guard Self.broadcasting.contains(node.opType) else { return nil }
    var result: Extents? = []
    for place in node.inputs.indices {
      guard let sofar = result, let next = extents(node, place) else { return [nil] }
      result = broadcast(sofar, next)
    }
    return [result]
  }

  /// Matrix products.
  func matrices(_ node: Node) -> [Extents?]? {
    guard node.opType == "MatMul" || node.opType == "Gemm" else { return nil }
    guard let a = extents(node, 0), let b = extents(node, 1), a.count >= 1, b.count >= 1 else { return [nil] }
    if node.opType == "Gemm" {
      guard a.count == 2, b.count == 2 else { return [nil] }
      let rows = node.int("transA", default: 0) != 0 ? a[1] : a[0]
      let columns = node.int("transB", default: 0) != 0 ? b[0] : b[1]
      return [[rows, columns]]
    }
    guard let batch = broadcast(Extents(a.dropLast(2)), Extents(b.dropLast(2))) else { return [nil] }
    let rows: Extents = a.count >= 2 ? [a[a.count - 2]] : []
    let columns: Extents = b.count >= 2 ? [b[b.count - 1]] : []
    return [batch + rows + columns]
  }

  /// Operators that reduce axes.
  func reductions(_ node: Node) -> [Extents?]? {
    let isArgument = node.opType == "ArgMax" || node.opType == "ArgMin"
    guard node.opType.hasPrefix("Reduce") || isArgument else { return nil }
    guard let input = extents(node, 0) else { return [nil] }
    let given: [Int]?
    if isArgument {
      given = [node.int("axis", default: 0)]
    } else if node.attribute("axes") == nil && node.input(1) == nil {
      given = Array(input.indices)
    } else {
      given = knownIntegers(node, input: 1, attribute: "axes")
    }
    guard let axes = given?.map({ axis($0, order: input.count) }), !axes.contains(nil) else { return [nil] }
    let keeps = node.int("keepdims", default: 1) != 0
    return [
      input.enumerated().compactMap { place, extent -> Int?? in
        guard axes.contains(place) else { return .some(extent) }
        return keeps ? .some(1) : nil
      }
    ]
  }

  /// Operators that make values out of nothing but shapes.
  func sources(_ node: Node) -> [Extents?]? {
    switch node.opType {
    case "Constant":
      if let tensor = node.tensor("value") { return [tensor.shape?.extents] }
      if let list = node.ints("value_ints") { return [[list.count]] }
      return [node.attribute("value_int") != nil || node.attribute("value_float") != nil ? [] : nil]
    case "ConstantOfShape": return [integers(node, 0)]
    case "Shape": return [extents(node, 0).map { [shapeRange(node, order: $0.count).count] }]
    case "Range":
      let bounds = (0..<3).map { integers(node, $0)?.first ?? nil }
      guard let start = bounds[0], let end = bounds[1], let step = bounds[2], step > 0, end >= start else {
        return [[nil]]
      }
      let distance = CheckedInteger(end) - CheckedInteger(start)
      return [[distance.dividedRoundingUp(by: CheckedInteger(step)).value]]
    default: return nil
    }
  }

  /// The axes that a `Shape` node gives.
  func shapeRange(_ node: Node, order: Int) -> Range<Int> {
    func bound(_ value: Int) -> Int { min(max(value < 0 ? value &+ order : value, 0), order) }
    let start = bound(node.int("start", default: 0))
    return start..<max(start, bound(node.int("end", default: order)))
  }
}
