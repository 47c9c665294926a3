import Conv
import Maps
import ModelGraph

/// Operators that make of each element another, whatever lies beside it.
struct UnaryOperator: ActivationOperator {
  static let opTypes = Array(simple.keys) + Array(parametric.keys)

  private static let simple: [String: LineOperation] = [
    "Neg": .unary(.negate), "Abs": .unary(.absolute), "Sqrt": .unary(.squareRoot),
    "Reciprocal": .unary(.reciprocal), "Exp": .unary(.exponential), "Log": .unary(.logarithm),
    "Floor": .unary(.floor), "Ceil": .unary(.ceiling), "Round": .unary(.round), "Sign": .unary(.sign),
    "Erf": .unary(.errorFunction), "Sin": .unary(.sine), "Cos": .unary(.cosine), "Tan": .unary(.tangent),
    "Asin": .unary(.arcSine), "Acos": .unary(.arcCosine), "Atan": .unary(.arcTangent),
    "Sinh": .unary(.hyperbolicSine), "Cosh": .unary(.hyperbolicCosine), "Asinh": .unary(.areaSine),
    "Acosh": .unary(.areaCosine), "Atanh": .unary(.areaTangent), "Softplus": .unary(.softplus),
    "Softsign": .unary(.softsign), "Mish": .unary(.mish), "Relu": .activation(.relu),
    "Sigmoid": .activation(.sigmoid), "Tanh": .activation(.tanh), "HardSwish": .activation(.hardSwish),
    "Silu": .activation(.silu),
  ]

  /// Operators with settings.
  private static let parametric: [String: @Sendable (NodeReader) throws(NetworkError) -> Settings] = [
    "LeakyRelu": { node throws(NetworkError) in
      Settings(.activation(.leakyReLU(slope: Double(try node.float("alpha", default: 0.01)))))
    },
    "Elu": { node throws(NetworkError) in
      Settings(.activation(.elu(alpha: Double(try node.float("alpha", default: 1)))))
    },
    "HardSigmoid": { node throws(NetworkError) in
      let slope = try node.float("alpha", default: 0.2)
      return Settings(
        .activation(.hardSigmoid(slope: Double(slope), offset: Double(try node.float("beta", default: 0.5)))))
    },
    "Gelu": { node throws(NetworkError) in
      let form: GeluForm = try node.choice("approximate", default: .none)
      return Settings(.activation(form == .tanh ? .geluTanh : .gelu))
    },
    "Selu": { node throws(NetworkError) in
      Settings(
        .unary(.selu), alpha: try node.float("alpha", default: 1.67326319217681884765625),
        beta: try node.float("gamma", default: 1.05070102214813232421875))
    },
    "Celu": { node throws(NetworkError) in Settings(.unary(.celu), alpha: try node.float("alpha", default: 1))
    },
    "ThresholdedRelu": { node throws(NetworkError) in
      Settings(.unary(.thresholdedReLU), alpha: try node.float("alpha", default: 1))
    },
    "Shrink": { node throws(NetworkError) in
      Settings(
        .unary(.shrink), alpha: try node.float("lambd", default: 0.5),
        beta: try node.float("bias", default: 0))
    },
  ]

  private enum GeluForm: String, CaseIterable { case none, tanh }

  /// An operation and its parameters.
  private struct Settings: Sendable {
    let operation: LineOperation
    let alpha: Float
    let beta: Float

    init(_ operation: LineOperation, alpha: Float = 0, beta: Float = 0) {
      (self.operation, self.alpha, self.beta) = (operation, alpha, beta)
    }
  }

  private let settings: Settings

  init(_ node: NodeReader) throws(NetworkError) {
    if let read = Self.parametric[node.opType] {
      settings = try read(node)
    } else if let operation = Self.simple[node.opType] {
      settings = Settings(operation)
    } else {
      throw node.failure("there is no such function of one number")
    }
  }

  /// The activation, where a convolution can take it up.
  var activation: Activation? {
    if case .activation(let activation) = settings.operation { activation } else { nil }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    guard input.kind == .float else { return [try lowerIntegers(input, outputs[0], &plan)] }
    let operation = settings.operation
    let output = try plan.makeLike(input, input.type, for: outputs[0])
    try plan.apply(operation, [input], to: output, alpha: settings.alpha, beta: settings.beta)
    return [output]
  }

  private func lowerIntegers(
    _ input: Value, _ name: String, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value {
    let output = try plan.makeLike(input, input.type, for: "")
    if settings.operation == .activation(.relu) {
      try plan.apply(.integerBinary(.maximum), [input, plan.known([0], extents: [])], to: output)
      return output
    }
    try plan.apply(try integerOperation(plan), [input], to: output)
    return try plan.narrowed(output, name)
  }

  private func integerOperation(_ plan: PlanBuilder) throws(LoweringStop) -> LineOperation {
    switch settings.operation {
    case .unary(.negate): return .integerUnary(.negate)
    case .unary(.absolute): return .integerUnary(.absolute)
    case .unary(.sign): return .integerUnary(.sign)
    default: throw plan.failure("it is not there for integers")
    }
  }
}

extension PlanBuilder {
  /// A new value of the same extents, which lies as another does where that is without gaps.
  mutating func makeLike(
    _ other: Value, _ type: DataType, for name: String
  ) throws(LoweringStop) -> Value {
    try make(other.extents, type, other.axisOrder, for: name)
  }
}

extension Value {
  /// The order that comes nearest to how the value lies.
  var axisOrder: AxisOrder {
    guard order > 2, buffer != nil, extents[1] > 1, layout.strides[1] == 1 else { return .rowMajor }
    return extents.dropFirst(2).allSatisfy { $0 == 1 } && isRowMajor ? .rowMajor : .channelLast
  }
}
