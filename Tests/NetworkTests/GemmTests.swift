import ModelGraph
import TestSupport
import Tensors
import Testing

@testable import Network

/// What a Gemm adds, and where its result lies.
@Suite struct GemmTests {
  /// As many rows as columns: a column of C then has as many numbers as a row.
  @Test(arguments: [[4], [1, 4], [4, 1], [4, 4], [1], [1, 1], []])
  func everyOffsetIsBroadcast(_ extents: [Int]) throws {
    var random = SeededGenerator(seed: 83)
    let (a, b): (Tensor<Float>, Tensor<Float>) = (random.tensor([4, 3]), random.tensor([3, 4]))
    let c: Tensor<Float> = random.tensor(Shape(extents))
    var graph = Graph(
      nodes: [
        Node(
          name: "y", opType: "Gemm", inputs: ["a", "b", "c"], outputs: ["y"],
          attributes: [Attribute("beta", .float(0.5))])
      ],
      inputs: [ValueInfo(name: "a", type: .tensor(.float32, shape: [.known(4), .known(3)]))],
      outputs: [ValueInfo(name: "y")])
    for (name, values) in [("b", b), ("c", c)] {
      graph.constants.append(Constant(name: name, values, type: .float32))
    }
    let model = ModelGraph(
      path: "gemm", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
    let y = try #require(Network(model).run(["a": NetworkTensor(a)])["y"]?.floats)
    #expect(y.shape == [4, 4])
    let matrix = [Int](repeating: 1, count: 2 - extents.count) + extents
    for row in 0..<4 {
      for column in 0..<4 {
        let place = (matrix[0] == 1 ? 0 : row * matrix[1]) + (matrix[1] == 1 ? 0 : column)
        let sum = (0..<3).reduce(Float(0)) { $0 + a[row, $1] * b[$1, column] }
        #expect(abs(y[row, column] - sum - 0.5 * c.elements[place]) < 1e-5)
      }
    }
  }

  /// The rows of a result that a concatenation of columns takes lie apart. The larger matrix, whose numbers half precision
  /// holds, is one that is packed as such for up to four rows.
  @Test(arguments: [1, 3, 6], [5, 2048]) func columnsAreConcatenated(rows: Int, columns: Int) throws {
    var random = SeededGenerator(seed: 84)
    let a: Tensor<Float> = random.tensor([rows, 512])
    let numbers: Tensor<Float> = random.tensor([512, columns])
    let b = Tensor(shape: numbers.shape, elements: numbers.elements.map { Float(Float16($0)) })
    var graph = Graph(
      nodes: [
        Node(name: "g", opType: "Gemm", inputs: ["a", "b"], outputs: ["g"]),
        Node(
          name: "y", opType: "Concat", inputs: ["a", "g"], outputs: ["y"],
          attributes: [Attribute("axis", .int(1))]),
      ],
      inputs: [ValueInfo(name: "a", type: .tensor(.float32, shape: [.known(rows), .known(512)]))],
      outputs: [ValueInfo(name: "y"), ValueInfo(name: "g")])
    graph.constants.append(Constant(name: "b", b, type: .float32))
    let model = ModelGraph(
      path: "gemm", main: graph, operatorSets: [OperatorSet(version: 17)], formatVersion: 8)
    let outputs = try Network(model).run(["a": NetworkTensor(a)])
    let (y, g) = (try #require(outputs["y"]?.floats), try #require(outputs["g"]?.floats))
    #expect(y.shape == [rows, 512 + columns] && g.shape == [rows, columns])
    for row in 0..<rows {
      for column in stride(from: 0, to: columns, by: 7) {
        let sum = (0..<512).reduce(0.0) { $0 + Double(a[row, $1]) * Double(b[$1, column]) }
        #expect(abs(Double(y[row, 512 + column]) - sum) < 1e-3 && y[row, 512 + column] == g[row, column])
      }
      #expect((0..<512).allSatisfy { y[row, $0] == a[row, $0] })
    }
  }
}
