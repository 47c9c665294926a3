import Compress
import Forms
import ModelGraph
import Network
import Tensors

/// A small network with a skip connection, two outputs, a kernel that two layers share and a matrix, for calibration to go
/// through:
///
///     a = relu(conv1 x), b = relu(conv2 a), c = relu(conv2 b) + a, map = conv3 c, scores = mean(c) W
struct CalibrationModel {
  let model: ModelGraph

  init(seed: UInt64 = 1, channels: Int = 16) throws {
    var generator = SeededGenerator(seed: seed)
    var graph = Graph()
    func kernel(_ name: String, _ outputs: Int, _ inputs: Int) {
      let scale = Float(1 / Double(inputs * 9).squareRoot())
      let values = generator.tensor([outputs, inputs, 3, 3], of: Float.self)
      graph.constants.append(
        Constant(
          name: name, Tensor(shape: values.shape, elements: values.elements.map { 2 * scale * $0 }),
          type: .float32))
    }
    func add(_ op: String, _ inputs: [String], _ output: String) {
      let attributes = op == "Conv" ? [Attribute("pads", .ints([1, 1, 1, 1]))] : []
      graph.nodes.append(
        Node(name: output, opType: op, inputs: inputs, outputs: [output], attributes: attributes))
    }
    kernel("k1", channels, 3)
    kernel("k2", channels, channels)
    kernel("k3", 8, channels)
    graph.constants.append(
      Constant(name: "bias", generator.tensor([channels], of: Float.self), type: .float32))
    graph.constants.append(
      Constant(name: "w", generator.tensor([channels, 12], of: Float.self), type: .float32))
    add("Conv", ["x", "k1", "bias"], "conv1")
    add("Relu", ["conv1"], "a")
    add("Conv", ["a", "k2"], "conv2")
    add("Relu", ["conv2"], "b")
    add("Conv", ["b", "k2"], "conv2again")
    add("Relu", ["conv2again"], "c0")
    add("Add", ["c0", "a"], "c")
    add("Conv", ["c", "k3"], "map")
    add("GlobalAveragePool", ["c"], "mean")
    add("Flatten", ["mean"], "row")
    add("MatMul", ["row", "w"], "scores")
    let open = [ValueInfo.Dimension.open, .known(3), .open, .open]
    graph.inputs = [ValueInfo(name: "x", type: .tensor(.float32, shape: open))]
    graph.outputs = [ValueInfo(name: "map"), ValueInfo(name: "scores")]
    model = try graph.built()
  }

  /// Images that are smooth, as photographs are, so that their patches lie near a small space.
  static func images(_ count: Int, extent: Int = 16, seed: UInt64 = 7) -> [[String: NetworkTensor]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      let coarse = generator.tensor([3, 5, 5], of: Float.self)
      let fine = generator.tensor([3, extent, extent], of: Float.self)
      let pixels = Tensor<Float>(shape: [1, 3, extent, extent]) { pixels in
        for channel in 0..<3 {
          for i in 0..<extent {
            for j in 0..<extent {
              let smooth = coarse[channel, i * 5 / extent, j * 5 / extent]
              pixels[(channel * extent + i) * extent + j] = smooth + 0.02 * fine[channel, i, j]
            }
          }
        }
      }
      return ["x": NetworkTensor(pixels)]
    }
  }

  /// The options of a budget; the rank multiple is small, as the layers are.
  static func options(_ fraction: Double) -> CompressionOptions {
    var options = CompressionOptions()
    options.budget = .multiplies(fraction)
    options.method = .only(.channel)
    options.rankMultiple = 1
    options.inputShapes = ["x": [1, 3, 16, 16]]
    return options
  }
}
