import Conv
import ModelGraph
import Network
import Tensors
import Testing

@testable import Gradients

/// Gradients with respect to values inside networks, held against central differences of the networks' definitions in Double.
struct ValueGradientTests {
  private static let pads = Attribute("pads", .ints([1, 1, 1, 1]))
  private static let image: [String: Shape] = ["image": [2, 4, 9, 8]]

  /// Two convolutions, the second with stride and groups, and what is added around them; a pool, a transposed convolution
  /// beside its input, and classes.
  ///
  /// "a" has two readers, "sum" three.
  private static func network(outputs: [String] = ["scores"]) -> ModelGraph {
    var network = SmallNetwork(outputs: outputs, seed: 3)
    network.weight("w1", [4, 4, 3, 3])
    network.weight("b1", [4])
    network.weight("w2", [4, 2, 3, 3])
    network.weight("w3", [4, 4, 1, 1])
    network.weight("up", [4, 3, 2, 2])
    network.weight("matrix", [7, 5])
    network.weight("bias", [5])
    network.add("Conv", ["image", "w1", "b1"], to: "a", attributes: [pads])
    network.add("Relu", ["a"], to: "b")
    network.add(
      "Conv", ["b", "w2"], to: "c",
      attributes: [pads, Attribute("group", .int(2)), Attribute("strides", .ints([2, 2]))])
    network.add("Conv", ["a", "w3"], to: "side", attributes: [Attribute("strides", .ints([2, 2]))])
    network.add("Add", ["c", "side"], to: "sum")
    network.add(
      "MaxPool", ["sum"], to: "pool",
      attributes: [Attribute("kernel_shape", .ints([2, 2])), Attribute("strides", .ints([1, 1]))])
    network.add(
      "ConvTranspose", ["pool", "up"], to: "large",
      attributes: [Attribute("strides", .ints([1, 1])), Attribute("pads", .ints([0, 0, 0, 0]))])
    network.add("Concat", ["large", "sum"], to: "wide", attributes: [Attribute("axis", .int(1))])
    network.add("GlobalAveragePool", ["wide"], to: "means")
    network.add("Flatten", ["means"], to: "flat")
    network.add("Gemm", ["flat", "matrix", "bias"], to: "scores")
    network.add("Softmax", ["scores"], to: "chances", attributes: [Attribute("axis", .int(1))])
    return network.model
  }

  /// What is collected, by value and seed; more than one for a pair is an issue.
  private static func collected(
    _ gradients: ValueGradients, _ inputs: [String: Tensor<Float>],
    seeds: ([String: Tensor<Float>]) -> [[String: Tensor<Float>]]
  ) throws -> [String: [Int: Tensor<Float>]] {
    var all: [String: [Int: Tensor<Float>]] = [:]
    try gradients.run(inputs.mapValues { NetworkTensor($0) }) { (outputs) throws(GradientError) in
      seeds(outputs)
    } collect: { name, seed, gradient in
      #expect(all[name]?[seed] == nil, "'\(name)' is given twice")
      all[name, default: [:]][seed] = gradient
    }
    return all
  }

  /// Holds the gradients of `values` for two seeds against differences.
  private static func check(
    _ model: ModelGraph, _ shapes: [String: Shape], of values: [String], outputs: [String],
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    var generator = SeededGenerator(seed: 11)
    let inputs = Dictionary(
      uniqueKeysWithValues: shapes.sorted { $0.key < $1.key }.map { name, shape in
        (name, generator.tensor(shape, of: Float.self))
      })
    let wide = inputs.mapValues { $0.converted(to: Double.self) }
    let definition = NetworkDefinition(model: model)
    let expected = try definition.values(wide)
    let seeds = (0..<2).map { _ in
      Dictionary(
        uniqueKeysWithValues: outputs.map { name in
          (name, generator.tensor(expected[name]?.shape ?? [0], of: Float.self))
        })
    }
    let gradients = try ValueGradients(model, inputShapes: shapes, of: values, outputs: outputs)
    let all = try collected(gradients, inputs) { made in
      #expect(Set(made.keys) == Set(outputs), sourceLocation: location)
      for name in outputs { expectNear(made[name], expected[name]?.elements ?? [], "\(name)", location) }
      return seeds
    }
    for name in values {
      let value = try #require(expected[name], sourceLocation: location)
      // Some elements stand for all: each takes two runs of the definition.
      let some = Array((0..<value.count).shuffled(using: &generator).prefix(40))
      let differences = try some.map { try difference(definition, wide, name, value, $0, seeds) }
      for number in seeds.indices {
        let gradient = try #require(all[name]?[number], "\(name)", sourceLocation: location)
        #expect(gradient.shape == value.shape, "\(name)", sourceLocation: location)
        let elements = gradient.elements
        expectNear(
          Tensor(shape: [some.count], elements: some.map { elements[$0] }), differences.map { $0[number] },
          "gradient of '\(name)', seed \(number)", location)
      }
    }
  }

  /// The central difference of each seed's loss for one element of a value: with steps of 1e-5 wrong by about 1e-10 times a third
  /// derivative, and by 1e-10 for rounding.
  private static func difference(
    _ definition: NetworkDefinition, _ inputs: [String: Tensor<Double>], _ name: String,
    _ value: Tensor<Double>, _ place: Int, _ seeds: [[String: Tensor<Float>]]
  ) throws -> [Double] {
    func losses(_ step: Double) throws -> [Double] {
      var elements = value.elements
      elements[place] += step
      let made = try definition.values(
        inputs, replaced: [name: Tensor(shape: value.shape, elements: elements)])
      return seeds.map { seed in
        seed.reduce(0) { sum, output in
          zip(made[output.key]?.elements ?? [], output.value.elements).reduce(sum) {
            $0 + $1.0 * Double($1.1)
          }
        }
      }
    }
    return zip(try losses(1e-5), try losses(-1e-5)).map { ($0 - $1) / 2e-5 }
  }

  /// Sums of at most some hundred products of numbers of about 1, each rounded to 2^-24, one behind the other; relative to the
  /// largest element.
  private static func expectNear(
    _ x: Tensor<Float>?, _ y: [Double], _ what: String, _ location: SourceLocation
  ) {
    let elements = x?.elements ?? []
    let size = y.reduce(0) { max($0, abs($1)) }
    let error = zip(elements, y).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
    #expect(elements.count == y.count && size > 0, "\(what)", sourceLocation: location)
    #expect(error < 2e-5 * size, "\(what): \(error) of \(size)", sourceLocation: location)
  }

  /// Every value between the image and the chances, and the image itself.
  @Test
  func gradientsAreThoseOfDifferences() throws {
    let values = [
      "image", "a", "b", "c", "side", "sum", "pool", "large", "wide", "means", "flat", "scores",
    ]
    try Self.check(Self.network(outputs: ["chances"]), Self.image, of: values, outputs: ["chances"])
  }

  /// A value that is an output and read by nodes has both in its gradient; values inside may be outputs.
  @Test
  func outputsMayBeInside() throws {
    try Self.check(
      Self.network(), Self.image, of: ["a", "sum", "scores"], outputs: ["a", "sum", "scores", "pool"])
  }

  /// Values that depend on two inputs; what is in front of them needs no gradient.
  @Test
  func networksMayHaveTwoInputs() throws {
    var network = SmallNetwork(inputs: ["left", "right"], outputs: ["y", "z"], seed: 5)
    network.weight("w1", [3, 2, 3, 3])
    network.weight("w2", [3, 2, 1, 1])
    // Rounded pixels may all be 0, where a rectifier has no derivative.
    network.weight("b2", [3])
    network.add("Round", ["right"], to: "rounded")
    network.add("Conv", ["left", "w1"], to: "a", attributes: [Self.pads])
    network.add("Conv", ["rounded", "w2", "b2"], to: "b")
    network.add("Mul", ["a", "b"], to: "y")
    network.add("Relu", ["b"], to: "z")
    let shapes: [String: Shape] = ["left": [1, 2, 5, 4], "right": [1, 2, 5, 4]]
    try Self.check(network.model, shapes, of: ["a"], outputs: ["y"])
    try Self.check(network.model, shapes, of: ["left", "b"], outputs: ["y", "z"])
  }

  /// What a network asks of shapes is known beforehand, and in no gradient's way.
  @Test
  func shapesAreFolded() throws {
    var network = SmallNetwork(outputs: ["y"], seed: 7)
    network.add("Relu", ["image"], to: "a")
    network.add("Shape", ["a"], to: "shape")
    network.add("Flatten", ["a"], to: "flat")
    network.add("Reshape", ["flat", "shape"], to: "y")
    var generator = SeededGenerator(seed: 8)
    let seed = generator.tensor([2, 3, 2, 2], of: Float.self)
    let gradients = try ValueGradients(
      network.model, inputShapes: ["image": seed.shape], of: ["a"], outputs: ["y"])
    let all = try Self.collected(gradients, ["image": generator.tensor(seed.shape)]) { _ in [["y": seed]] }
    #expect(all == ["a": [0: seed]])
  }

  /// Nodes that lie on no way from a value to an output are frozen, and no weight gets a gradient.
  @Test
  func onlyNodesBetweenAreDifferentiated() throws {
    let graph = try DifferentiableGraph(
      Self.network(), inputShapes: Self.image, of: .values(["c"]), outputs: ["scores"])
    let active = graph.nodes.filter { $0.rule != nil }
    #expect(
      active.map(\.settings.node.name) == ["sum", "pool", "large", "wide", "means", "flat", "scores"])
    #expect(graph.parameters.isEmpty)
    for node in active {
      for (name, isWanted) in zip(node.settings.node.inputs, node.wanted) {
        #expect(isWanted == !["side", "up", "matrix", "bias"].contains(name), "\(name)")
      }
    }
    // What frozen nodes alone read is let go of: the image and the rectifier's output, and not what is added.
    let plan = graph.keepingDifferentiated(asked: ["scores"])
    let released = Set(plan.releases.joined())
    #expect(released.isSuperset(of: ["image", "a", "b"]) && released.isDisjoint(with: ["c", "side", "sum"]))
  }

  /// A value behind an output, and one that a seed's outputs do not depend on, are not given.
  @Test
  func otherValuesAreNotGiven() throws {
    var generator = SeededGenerator(seed: 2)
    let gradients = try ValueGradients(
      Self.network(), inputShapes: Self.image, of: ["a", "c", "wide"], outputs: ["sum", "b"])
    let all = try Self.collected(gradients, ["image": generator.tensor([2, 4, 9, 8])]) { made in
      made.sorted { $0.key < $1.key }.map { [$0.key: $0.value] }
    }
    // Of "b" alone, then of "sum".
    #expect(all["a"]?.count == 2 && all["c"]?.keys.sorted() == [1] && all["wide"] == nil)
  }

  @Test
  func operatorsWithoutRulesAreNamed() throws {
    var model = Self.network()
    model.main.nodes.append(Node(name: "last", opType: "Hardmax", inputs: ["scores"], outputs: ["hard"]))
    do throws(GradientError) {
      _ = try ValueGradients(model, inputShapes: Self.image, of: ["c"], outputs: ["hard"])
      Issue.record("Hardmax has no gradient")
    } catch { #expect("\(error)".contains("node 'last' (Hardmax)"), "\(error)") }
    // It is in nobody's way in front of the value, or behind the output.
    _ = try ValueGradients(model, inputShapes: Self.image, of: ["c"], outputs: ["scores"])
    _ = try ValueGradients(model, inputShapes: Self.image, of: ["hard"], outputs: ["hard"])
  }

  @Test
  func whatDoesNotFitIsNamed() throws {
    func message(_ body: () throws(GradientError) -> Void) -> String {
      do throws(GradientError) { try body() } catch { return "\(error)" }
      return ""
    }
    for (values, outputs) in [(["a", "nowhere"], ["scores"]), (["a"], ["nowhere"]), (["w1"], ["scores"])] {
      let error = message { () throws(GradientError) in
        _ = try ValueGradients(Self.network(), inputShapes: Self.image, of: values, outputs: outputs)
      }
      #expect(error.contains("'nowhere'") || error.contains("'w1'"), "\(error)")
    }
    let gradients = try ValueGradients(
      Self.network(), inputShapes: Self.image, of: ["a"], outputs: ["scores"])
    for inputs in [[:], ["image": NetworkTensor(Tensor<Float>(shape: [1, 4, 9, 8]))]] {
      let error = message { () throws(GradientError) in
        try gradients.run(inputs) { (_) throws(GradientError) in
          []
        } collect: { _, _, _ in
        }
      }
      #expect(error.contains("the input 'image'"), "\(error)")
    }
  }

  /// Runs side by side make the same as runs one after the other, to the bit.
  @Test
  func runsMayGoSideBySide() throws {
    let gradients = try ValueGradients(
      Self.network(), inputShapes: Self.image, of: ["a", "sum"], outputs: ["scores"])
    let images = (0..<6).map { number in
      var generator = SeededGenerator(seed: UInt64(number))
      return generator.tensor([2, 4, 9, 8], of: Float.self)
    }
    @Sendable func run(_ image: Tensor<Float>) throws(GradientError) -> [Tensor<Float>] {
      var made: [Tensor<Float>] = []
      try gradients.run(["image": NetworkTensor(image)]) { (outputs) throws(GradientError) in
        [outputs]
      } collect: { _, _, gradient in
        made.append(gradient)
      }
      return made
    }
    let together = try inParallel(images.count, threads: 3, held: 6, into: [[Tensor<Float>]]()) {
      (place) throws(GradientError) in
      try run(images[place])
    } collect: {
      $0.append($1)
    }
    #expect(try together == images.map { try run($0) })
  }
}
