import ONNX
import TensorFiles
import TestSupport
import Testing

@testable import ModelGraph

/// What keeps a layer from being factored is said, and nothing traps.
@Suite struct ObstacleTests {
  @Test(arguments: [
    ("conv-double", "its weights are neither"), ("gemm-constant-left", "its weight is not constant"),
  ])
  func obstaclesAreNamed(name: String, obstacle: String) throws {
    let layer = try #require(try ModelGraph(onnx: Vectors.path("\(name).onnx")).layers().first)
    #expect(layer.obstacle?.hasPrefix(obstacle) == true)
  }

  /// Extents, groups and attributes that lie or overflow: the layer is left alone.
  @Test(
    arguments: [
      [-1, 8, 3, 3], [0, 8, 3, 3], [12, 8, 3], [12], [], [1 << 40, 1 << 40, 3, 3], [.max, .max],
    ] as [[Int]])
  func wrongExtentsAreObstacles(extents: [Int]) throws {
    var model = try ModelGraph(onnx: Vectors.path("conv2d.onnx"))
    let layer = try #require(try model.layers().first)
    model.main.constants[layer.weight]?.extents = extents
    let broken = try #require(try model.layers().first)
    #expect(broken.obstacle != nil)
    _ = try model.extents(of: [broken])
  }

  /// A batched product has a constant of three axes: not a layer that can be factored, but a valid model.
  @Test func batchedMatricesAreObstacles() throws {
    var model = try ModelGraph(onnx: Vectors.path("matmul-right-3d.onnx"))
    let layer = try #require(try model.layers().first)
    model.main.constants[layer.weight]?.extents.insert(1, at: 0)
    let batched = try #require(try model.layers().first)
    #expect(batched.obstacle == "its constant matrix has 3 axes")
    #expect(batched.kernelShape == nil)
    _ = try model.extents(of: [batched])
  }

  @Test(arguments: ["group", "strides", "dilations", "pads", "kernel_shape"])
  func wrongAttributesAreObstacles(name: String) throws {
    var model = try ModelGraph(onnx: Vectors.path("conv2d.onnx"))
    let node = try #require(try model.layers().first).node
    let lists: [[Int]] = [[], [-1], [0, 0], [.max, .max], [.min, 1, 1, 1], [5, 5]]
    for value in lists.map(Attribute.Value.ints) + [.int(-1), .int(.min), .float(1), .floats([1, 1])] {
      model.main.nodes[node].attributes.removeAll { $0.name == name }
      model.main.nodes[node].attributes.append(Attribute(name, value))
      let layers = try model.layers()
      _ = try model.extents(of: layers)
      // No pads at all, and strides and dilations of 5 along both axes, are valid.
      let isValid = value == .ints([]) && ["dilations", "pads"].contains(name)
      let isLarge = value == .ints([5, 5]) && ["strides", "dilations"].contains(name)
      if !isValid && !isLarge { #expect(layers[0].obstacle != nil, "\(name) \(value)") }
    }
  }

  /// Names and attributes out of a file do not break the lines of messages and reports.
  @Test func messagesAreOneLine() throws {
    var model = try ModelGraph(onnx: Vectors.path("conv2d.onnx"))
    let node = try #require(try model.layers().first).node
    model.main.nodes[node].attributes.append(Attribute("a\nb\u{1B}[2J", .ints([1])))
    let obstacle = try #require(try model.layers().first?.obstacle)
    #expect(obstacle == "its attribute 'a\\nb\\u{1B}[2J' cannot be carried over")
    for error in [
      ModelError.file(FileError(path: "a\nb", reason: "c\nd")), .model(path: "a\nb", reason: "c\nd"),
      .tensor(path: "a\nb", name: "c\nd", reason: "e\nf"), .node(path: "a\nb", name: "c\nd", reason: "e\nf"),
    ] {
      #expect(!"\(error)".contains("\n"))
      #expect("\(error)".hasPrefix("a\\nb: "))
    }
  }
}
