import Gradients
import ModelGraph
import Tensors

@testable import Tune

/// Small networks and images to tune on.
enum TinyNetwork {
  /// Two convolutions with a rectifier between them, the mean of each map, and a matrix: classes of images of any size.
  static func classifier(seed: UInt64, noise: Float = 0) -> ModelGraph {
    var (generator, other) = (SeededGenerator(seed: seed), SeededGenerator(seed: 99))
    func weight(_ name: String, _ shape: Shape) -> Constant {
      let value = generator.tensor(shape, of: Float.self)
      let change = other.tensor(shape, of: Float.self)
      return Constant(name: name, value.combined(change) { $0 + noise * $1 }, type: .float32)
    }
    let pads = Attribute("pads", .ints([1, 1, 1, 1]))
    return model(
      nodes: [
        Node(
          name: "first", opType: "Conv", inputs: ["image", "w1", "b1"], outputs: ["a"], attributes: [pads]),
        Node(name: "second", opType: "Relu", inputs: ["a"], outputs: ["b"]),
        Node(name: "third", opType: "Conv", inputs: ["b", "w2"], outputs: ["c"], attributes: [pads]),
        Node(name: "fourth", opType: "GlobalAveragePool", inputs: ["c"], outputs: ["d"]),
        Node(name: "fifth", opType: "Flatten", inputs: ["d"], outputs: ["e"]),
        Node(name: "sixth", opType: "Gemm", inputs: ["e", "w3", "b3"], outputs: ["scores"]),
      ],
      constants: [
        weight("w1", [4, 1, 3, 3]), weight("b1", [4]), weight("w2", [5, 4, 3, 3]), weight("w3", [5, 3]),
        weight("b3", [3]),
      ])
  }

  /// A model of one input, `image`, of any number of images of one channel.
  static func model(
    nodes: [Node], constants: [Constant], output: String = "scores", channels: Int = 1
  ) -> ModelGraph {
    var table = ConstantTable()
    for constant in constants { table.append(constant) }
    let shape: [ValueInfo.Dimension] = [.symbol("N"), .known(channels), .open, .open]
    return ModelGraph(
      path: "tiny",
      main: Graph(
        nodes: nodes, constants: table,
        inputs: [ValueInfo(name: "image", type: .tensor(.float32, shape: shape))],
        outputs: [ValueInfo(name: output)]), operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
  }
}

/// Random images.
struct RandomImages: TuningImages {
  var count = 40
  var views: Int { 1 }
  var side = 6
  /// The image that holds a NaN.
  var broken: Int?

  func batch(_ places: [Int], variation: UInt64?) throws(TuneError) -> Tensor<Float> {
    let elements = places.flatMap { place in
      var generator = SeededGenerator(seed: UInt64(place) + 1000)
      var image = generator.tensor([side * side], of: Float.self).elements
      if place == broken { image[0] = .nan }
      return image
    }
    return Tensor(shape: [places.count, 1, side, side], elements: elements)
  }
}
