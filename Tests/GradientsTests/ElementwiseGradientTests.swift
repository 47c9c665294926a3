import Foundation
import ModelGraph
import Tensors
import Testing

@testable import Gradients

/// Gradients of functions of single elements, and of sums, products and the like, against finite differences in Double.
struct ElementwiseGradientTests {
  /// A function of one element.
  struct Function: Sendable {
    let opType: String
    var attributes: [Attribute] = []
    var range = -3.0...3.0
    let value: @Sendable (Double) -> Double
  }

  static let table: [Function] = [
    Function(opType: "Relu") { max($0, 0) },
    Function(opType: "LeakyRelu", attributes: [Attribute("alpha", .float(0.25))]) { $0 > 0 ? $0 : 0.25 * $0 },
    Function(opType: "Sigmoid") { 1 / (1 + exp(-$0)) },
    Function(opType: "Tanh") { tanh($0) },
    Function(
      opType: "HardSigmoid", attributes: [Attribute("alpha", .float(0.25)), Attribute("beta", .float(0.5))]
    ) { min(max(0.25 * $0 + 0.5, 0), 1) },
    Function(opType: "HardSwish", range: -5...5) { $0 * min(max($0 / 6 + 0.5, 0), 1) },
    Function(opType: "Elu", attributes: [Attribute("alpha", .float(1.5))]) {
      $0 > 0 ? $0 : 1.5 * (exp($0) - 1)
    },
    Function(opType: "Selu", attributes: [Attribute("alpha", .float(1.5)), Attribute("gamma", .float(1.25))])
    {
      1.25 * ($0 > 0 ? $0 : 1.5 * (exp($0) - 1))
    },
    Function(opType: "Celu", attributes: [Attribute("alpha", .float(2))]) {
      $0 > 0 ? $0 : 2 * (exp($0 / 2) - 1)
    },
    Function(opType: "Softplus") { log(1 + exp($0)) },
    Function(opType: "Softsign") { $0 / (1 + abs($0)) },
    Function(opType: "Mish") { $0 * tanh(log(1 + exp($0))) },
    Function(opType: "Gelu") { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) },
    Function(opType: "Gelu", attributes: [Attribute("approximate", text: "tanh")]) {
      0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0)))
    },
    Function(opType: "Erf") { erf($0) },
    Function(opType: "Exp") { exp($0) },
    Function(opType: "Log", range: 0.5...3) { log($0) },
    Function(opType: "Sqrt", range: 0.5...3) { $0.squareRoot() },
    Function(opType: "Reciprocal", range: 0.5...3) { 1 / $0 },
    Function(opType: "Neg") { -$0 },
    Function(opType: "Abs") { abs($0) },
    Function(opType: "Sin") { sin($0) },
    Function(opType: "Cos") { cos($0) },
  ]

  @Test(arguments: table.indices)
  func functions(place: Int) throws {
    let function = Self.table[place]
    try GradientCase(function.opType, function.attributes, inputs: [[3, 7]], range: function.range) { x in
      x[0].elements.map(function.value)
    }.check(seed: UInt64(place))
  }

  @Test
  func clip() throws {
    let bounds = [
      Constant(name: "low", Tensor(shape: [], repeating: -0.5), type: .float32),
      Constant(name: "high", Tensor(shape: [], repeating: 0.25), type: .float32),
    ]
    try GradientCase("Clip", inputs: [[4, 5]], constants: bounds) { x in
      x[0].elements.map { min(max($0, -0.5), 0.25) }
    }.check(seed: 1)
    let attributes = [Attribute("min", .float(-0.5)), Attribute("max", .float(0.25))]
    try GradientCase("Clip", attributes, inputs: [[4, 5]], opset: 6) { x in
      x[0].elements.map { min(max($0, -0.5), 0.25) }
    }.check(seed: 2)
  }

  @Test
  func parametricReLU() throws {
    try GradientCase("PRelu", inputs: [[2, 3, 4, 2], [3, 1, 1]]) { x in
      zip(x[0].elements, repeated(x[1], to: x[0].shape)).map { $0 > 0 ? $0 : $0 * $1 }
    }.check(seed: 1)
  }

  static let pairs: [(Shape, Shape)] = [
    ([2, 3, 4], [2, 3, 4]), ([2, 3, 4], [4]), ([2, 3, 4], [3, 1]), ([3, 1], [2, 3, 4]), ([2, 1, 4], [3, 1]),
    ([2, 3], []), ([2, 3, 4, 5], [1, 3, 1, 1]),
  ]

  @Test(arguments: ["Add", "Sub", "Mul", "Div", "Pow"])
  func arithmetic(opType: String) throws {
    for (seed, (a, b)) in Self.pairs.enumerated() {
      let shape = try #require(broadcast(a, b))
      try GradientCase(opType, inputs: [a, b], range: 0.5...2) { x in
        zip(repeated(x[0], to: shape), repeated(x[1], to: shape)).map { a, b in
          switch opType {
          case "Add": a + b
          case "Sub": a - b
          case "Mul": a * b
          case "Div": a / b
          default: pow(a, b)
          }
        }
      }.check(seed: UInt64(seed))
    }
  }

  @Test
  func batchNormalization() throws {
    let vectors = [[1.5, -0.5, 0.25], [0.5, 1, -1], [0.25, -1, 2], [0.5, 2, 1]] as [[Float]]
    let constants = zip(["scale", "bias", "mean", "variance"], vectors).map {
      Constant(name: $0, Tensor(shape: [3], elements: $1), type: .float32)
    }
    let attributes = [Attribute("epsilon", .float(0.0625))]
    try GradientCase("BatchNormalization", attributes, inputs: [[2, 3, 2, 3]], constants: constants) { x in
      x[0].elements.enumerated().map { place, x in
        let v = vectors.map { Double($0[place / 6 % 3]) }
        return v[0] * (x - v[2]) / (v[3] + 0.0625).squareRoot() + v[1]
      }
    }.check(seed: 1)
  }

  @Test
  func softmax() throws {
    for (axis, isLog) in [(1, false), (-1, false), (1, true), (2, true)] {
      let attributes = [Attribute("axis", .int(axis))]
      let axis = axis < 0 ? axis + 3 : axis
      try GradientCase(isLog ? "LogSoftmax" : "Softmax", attributes, inputs: [[2, 4, 3]]) { x in
        softmax(x[0], axis: axis, isLog)
      }.check(seed: 1)
    }
    // Before version 13 all axes from one on are one.
    try GradientCase("Softmax", inputs: [[2, 4, 3]], opset: 11) { x in
      softmax(x[0].reshaped([2, 12]), axis: 1, false)
    }.check(seed: 2)
  }

  private func softmax(_ x: Tensor<Double>, axis: Int, _ isLog: Bool) -> [Double] {
    let (extent, inner) = (x.shape[axis], x.shape.strides[axis])
    let elements = x.elements
    return elements.indices.map { i in
      let first = i - i / inner % extent * inner
      let sum = (0..<extent).reduce(0) { $0 + exp(elements[first + $1 * inner]) }
      return isLog ? elements[i] - log(sum) : exp(elements[i]) / sum
    }
  }

  @Test
  func layerNormalization() throws {
    for (axis, width) in [(-1, 5), (1, 15)] {
      let attributes = [Attribute("axis", .int(axis)), Attribute("epsilon", .float(0.0078125))]
      let shape: Shape = axis == 1 ? [3, 5] : [5]
      try GradientCase("LayerNormalization", attributes, inputs: [[2, 3, 5], shape, shape]) { x in
        let elements = x[0].elements
        return elements.indices.map { i in
          let row = elements[i / width * width..<(i / width + 1) * width]
          let mean = row.reduce(0, +) / Double(width)
          let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
          let normal = (elements[i] - mean) / (variance + 0.0078125).squareRoot()
          return normal * x[1].elementAt(i % width) + x[2].elementAt(i % width)
        }
      }.check(seed: 1)
    }
  }
}
