import ModelGraph
import Tensors

extension Roofline {
  /// Measures a machine: the rate of a 1x1 convolution of 512 channels on 48 x 48 positions, and that of reading 64 MiB and
  /// writing as many.
  ///
  /// **Throws** where the timer's runtime does not take these models.
  ///
  /// **Complexity** 0.6 10^9 multiplies a run; 128 MiB.
  init(measuredBy timer: any NetworkTimer) throws(TimingError) {
    let (channels, extent, length) = (512, 48, 1 << 24)
    var product = Graph(name: "product")
    product.inputs = [Self.value("x", [1, channels, extent, extent])]
    product.outputs = [ValueInfo(name: "y")]
    let weights = Tensor<Float>(shape: [channels, channels, 1, 1], repeating: 1 / Float(channels))
    product.constants.append(Constant(name: "w", weights, type: .float32))
    product.nodes = [Node(name: "product", opType: "Conv", inputs: ["x", "w"], outputs: ["y"])]
    var copy = Graph(name: "copy")
    copy.inputs = [Self.value("x", [1, length])]
    copy.outputs = [ValueInfo(name: "y")]
    copy.nodes = [Node(name: "copy", opType: "Relu", inputs: ["x"], outputs: ["y"])]
    var networks: [any TimedNetwork] = []
    for graph in [product, copy] {
      networks.append(
        try timer.prepare(
          ModelGraph(
            path: graph.name, main: graph, operatorSets: [OperatorSet(version: 13)], formatVersion: 7)))
    }
    let times = try timer.times(of: networks, .settle)
    gflops = 2 * Double(channels * channels * extent * extent) / times[0].whole / 1e6
    gigabytes = 8 * Double(length) / times[1].whole / 1e6
  }

  private static func value(_ name: String, _ extents: [Int]) -> ValueInfo {
    ValueInfo(name: name, type: .tensor(.float32, shape: extents.map(ValueInfo.Dimension.known)))
  }
}
