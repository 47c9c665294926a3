import ModelGraph
import TestSupport
import Tensors
import Testing

@testable import Network

@Suite struct TileTests {
  /// Five repeated axes are ten to go through, more than a step takes.
  @Test func manyAxesAreRepeated() throws {
    var random = SeededGenerator(seed: 87)
    let x: Tensor<Float> = random.tensor([2, 1, 2, 3, 2])
    for repeats in [[2, 3, 1, 2, 2], [2, 3, 2, 2, 2], [3, 2, 2, 2, 1]] {
      var graph = Graph(
        nodes: [Node(name: "y", opType: "Tile", inputs: ["x", "r"], outputs: ["y"])],
        inputs: [ValueInfo(name: "x", type: .tensor(.float32, shape: x.shape.extents.map { .known($0) }))],
        outputs: [ValueInfo(name: "y")])
      graph.constants.append(Constant(name: "r", repeats))
      let model = ModelGraph(
        path: "tile", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
      let y = try #require(Network(model).run(["x": NetworkTensor(x)])["y"]?.floats)
      let extents = zip(x.shape.extents, repeats).map { $0 * $1 }
      #expect(y.shape.extents == extents)
      for place in 0..<y.count {
        var (rest, source) = (place, 0)
        for axis in (0..<5).reversed() {
          source += rest % extents[axis] % x.shape[axis] * x.shape.strides[axis]
          rest /= extents[axis]
        }
        #expect(y.elements[place] == x.elements[source])
      }
    }
  }
}
