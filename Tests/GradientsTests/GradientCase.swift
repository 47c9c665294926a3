import ModelGraph
import Network
import TestSupport
import Tensors
import Testing

@testable import Gradients

/// A node with its inputs, whose gradients are held against finite differences of its definition in Double.
struct GradientCase: CustomStringConvertible, Sendable {
  let opType: String
  let attributes: [Attribute]
  /// The inputs that gradients are asked of.
  let inputs: [Shape]
  /// Constants behind them: places and shapes are not differentiated.
  let constants: [Constant]
  let opset: Int
  let outputs: Int
  /// The node's definition; the outputs one behind the other.
  let definition: @Sendable ([Tensor<Double>]) -> [Double]
  /// Where random inputs lie.
  let range: ClosedRange<Double>

  init(
    _ opType: String, _ attributes: [Attribute] = [], inputs: [Shape], constants: [Constant] = [],
    opset: Int = 20, outputs: Int = 1, range: ClosedRange<Double> = -1...1,
    definition: @escaping @Sendable ([Tensor<Double>]) -> [Double]
  ) {
    (self.opType, self.attributes, self.inputs, self.constants) = (opType, attributes, inputs, constants)
    (self.opset, self.outputs, self.range, self.definition) = (opset, outputs, range, definition)
  }

  var description: String {
    "\(opType) \(inputs) \(attributes.map { "\($0.name)=\($0.value)" }.joined(separator: " "))"
  }

  /// Runs the case with random inputs.
  func check(seed: UInt64, _ location: SourceLocation = #_sourceLocation) throws {
    var generator = SeededGenerator(seed: seed)
    let xs = inputs.map { shape in
      Tensor<Float>(
        shape: shape,
        elements: (0..<shape.count).map { _ in Float(Double.random(in: range, using: &generator)) })
    }
    let wide = xs.map { $0.converted(to: Double.self) }
    let y = definition(wide)
    // The loss is the sum of the outputs with random factors.
    let factors = y.map { _ in Double(Float.random(in: -1...1, using: &generator)) }
    let (outputs, gradients) = try run(xs, factors.map { Float($0) })
    // Sums of at most some hundred products of numbers of about 1, each rounded to 2^-24, with kernels of Winograd's form, which
    // loses a digit more; relative to the largest element.
    let size = max(1, y.reduce(0) { max($0, abs($1)) })
    let error = zip(outputs, y).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
    #expect(outputs.count == y.count, "\(self), seed \(seed)", sourceLocation: location)
    #expect(error < 2e-5 * size, "forward of \(self), seed \(seed): \(error)", sourceLocation: location)
    for (place, x) in wide.enumerated() {
      // Some elements stand for all: each takes two runs of the definition.
      let some = Array((0..<x.count).shuffled(using: &generator).prefix(12))
      let expected = differences(wide, place, some, factors)
      guard let gradient = gradients[place] else {
        Issue.record("no gradient of input \(place) of \(self)", sourceLocation: location)
        continue
      }
      #expect(gradient.shape == x.shape, "\(self)", sourceLocation: location)
      let size = max(1, expected.reduce(0) { max($0, abs($1)) })
      let error = zip(some, expected).reduce(0) { max($0, abs(Double(gradient.elements[$1.0]) - $1.1)) }
      #expect(
        error < 2e-5 * size, "gradient of input \(place) of \(self), seed \(seed): \(error)",
        sourceLocation: location)
    }
  }

  /// Central differences: with steps of 1e-4 their own error is about 1e-8 times a third derivative, and rounding adds 1e-12.
  private func differences(
    _ xs: [Tensor<Double>], _ place: Int, _ some: [Int], _ factors: [Double]
  ) -> [Double] {
    let step = 1e-4
    func loss(_ changed: [Double]) -> Double {
      var all = xs
      all[place] = Tensor(shape: xs[place].shape, elements: changed)
      return zip(definition(all), factors).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let elements = xs[place].elements
    return some.map { i in
      var (up, down) = (elements, elements)
      up[i] += step
      down[i] -= step
      return (loss(up) - loss(down)) / (2 * step)
    }
  }

  /// The node's outputs and the gradients of its inputs, by its rule.
  func run(_ xs: [Tensor<Float>], _ factors: [Float]) throws -> (y: [Float], gradients: [Tensor<Float>?]) {
    let names = xs.indices.map { "x\($0)" }
    let node = Node(
      name: "node", opType: opType, inputs: names + constants.map(\.name),
      outputs: (0..<outputs).map { "y\($0)" }, attributes: attributes)
    var table = ConstantTable()
    for constant in constants { table.append(constant) }
    let model = ModelGraph(
      path: "case", main: Graph(nodes: [node], constants: table), operatorSets: [OperatorSet(version: opset)],
      formatVersion: 9)
    let settings = NodeSettings(node: node, opset: opset)
    let type = try #require(GradientTable.rule(for: node))
    let rule = try type.init(settings)
    // What a rule puts other numbers in the places of comes with each run.
    let given = constants.indices.filter { place in
      constants[place].hasFloats && type.givenPlaces?.contains(xs.count + place) ?? true
    }
    let runner = NodeRunner(
      settings, variables: Set(xs.indices).union(given.map { xs.count + $0 }), in: model)
    let floats = try constants.map { try $0.floats() }
    let values: [NetworkTensor?] =
      xs.map { NetworkTensor($0) }
      + constants.enumerated().map { place, constant in
        floats[place].map { NetworkTensor($0) }
          ?? NetworkTensor(
            shape: Shape(constant.extents), integers: constant.integers ?? [], type: constant.type)
      }
    let prepared = try rule.prepared([nil] + xs.dropFirst().map { $0 })
    let made = try rule.forward(ForwardPass(node: settings, inputs: values, prepared: prepared))
    let results = try made.map { $0.map { NetworkTensor($0) } } ?? runner.run(values)
    var (place, gradients) = (0, [Tensor<Float>?]())
    for result in results {
      let count = result.shape.count
      gradients.append(Tensor(shape: result.shape, elements: factors[place..<place + count]))
      place += count
    }
    let pass = BackwardPass(
      node: settings, inputs: values, outputs: results, gradients: gradients,
      wanted: values.indices.map { $0 < xs.count }, prepared: prepared, runner: runner)
    return (results.flatMap { $0.floats?.elements ?? [] }, try rule.backward(pass))
  }
}
