import Foundation
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import ONNX

@Suite struct BrokenModelTests {
  @Test func filesThatAreNoModelsAreNamed() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("broken.onnx")
    let good = try FileReader.bytes(ofFile: Vectors.path("conv2d.onnx"))
    for data in [Data(), Data("not a model".utf8), good.prefix(good.count / 2), good.prefix(40)] {
      try AtomicFile.write(Data(data), to: path)
      #expect { try ONNXModel(contentsOf: path) } throws: { "\($0)".hasPrefix(path + ": ") }
    }
    #expect(throws: ONNXError.self) { try ONNXModel(contentsOf: folder.path) }
    #expect(throws: ONNXError.self) { try ONNXModel(contentsOf: folder.path("missing.onnx")) }
  }

  @Test func missingExternalDataIsNamed() throws {
    let folder = try TemporaryFolder()
    let data = try FileReader.bytes(ofFile: Vectors.path("conv-external.onnx"))
    try AtomicFile.write(data, to: folder.path("model.onnx"))
    #expect { try ONNXModel(contentsOf: folder.path("model.onnx")) } throws: { "\($0)".contains(".bin") }
  }

  @Test(arguments: ["/etc/passwd", "../weights.bin", "a/../../b"])
  func externalDataOutsideTheFolderIsRefused(location: String) throws {
    let folder = try TemporaryFolder()
    var proto = try ModelProto(serializedBytes: FileReader.bytes(ofFile: Vectors.path("conv-external.onnx")))
    for tensor in proto.graph.initializer.indices {
      for entry in proto.graph.initializer[tensor].externalData.indices
      where proto.graph.initializer[tensor].externalData[entry].key == "location" {
        proto.graph.initializer[tensor].externalData[entry].value = location
      }
    }
    try AtomicFile.write(try proto.serializedData(), to: folder.path("model.onnx"))
    #expect { try ONNXModel(contentsOf: folder.path("model.onnx")) } throws: { "\($0)".contains("outside") }
  }

  /// A folder with conv-external.onnx, its data beside it, after a change to the first tensor that lies in them.
  private func changedExternalModel(
    _ folder: TemporaryFolder, _ change: (inout TensorProto) -> Void
  ) throws -> (path: String, tensor: String) {
    for name in ["conv-external.weights.bin", "conv-external.biases.bin"] {
      try AtomicFile.write(FileReader.bytes(ofFile: Vectors.path(name)), to: folder.path(name))
    }
    var proto = try ModelProto(serializedBytes: FileReader.bytes(ofFile: Vectors.path("conv-external.onnx")))
    let place = try #require(proto.graph.initializer.firstIndex { $0.dataLocation == 1 })
    change(&proto.graph.initializer[place])
    let path = folder.path("model.onnx")
    try AtomicFile.write(try proto.serializedData(), to: path)
    return (path, proto.graph.initializer[place].name)
  }

  @Test(
    arguments: [
      [-1, 8, 3, 3], [.min], [-12, -8, 3, 3], [1 << 40, 1 << 40, 3, 3], [0, 1 << 62, 4], [12, 8, 3, 4],
      [12, 8, 3],
      [1 << 61], [],
    ] as [[Int64]])
  func externalDataOfOtherExtentsAreRefused(dims: [Int64]) throws {
    let folder = try TemporaryFolder()
    let (path, tensor) = try changedExternalModel(folder) { $0.dims = dims }
    #expect { try ONNXModel(contentsOf: path) } throws: {
      "\($0)".hasPrefix("\(path): tensor '\(tensor)': ") && "\($0)".contains("extents")
    }
  }

  /// Without a length, external data are as long as the extents say, whatever follows them.
  @Test func externalDataWithoutALengthEndWithTheirTensor() throws {
    let folder = try TemporaryFolder()
    let (path, _) = try changedExternalModel(folder) { tensor in
      tensor.externalData.removeAll { $0.key == "length" }
    }
    let weights = folder.path("conv-external.weights.bin")
    try AtomicFile.write(FileReader.bytes(ofFile: weights) + Data(count: 100), to: weights)
    let whole = try ONNXModel(contentsOf: Vectors.path("conv-external.onnx"))
    #expect(try ONNXModel(contentsOf: path).proto == whole.proto)
  }

  @Test(arguments: [[-1, 8, 3, 3], [1 << 40, 1 << 40], [12, 8, 3, 4], [0, 1 << 62, 4]] as [[Int64]])
  func rawDataOfOtherExtentsAreRefused(dims: [Int64]) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model.onnx")
    var model = try ONNXModel(contentsOf: Vectors.path("conv2d.onnx"))
    let place = try #require(model.proto.graph.initializer.firstIndex { $0.hasRawData })
    model.proto.graph.initializer[place].dims = dims
    let tensor = model.proto.graph.initializer[place].name
    try AtomicFile.write(try model.proto.serializedData(), to: path)
    #expect { try ONNXModel(contentsOf: path) } throws: { "\($0)".hasPrefix("\(path): tensor '\(tensor)': ") }
  }

  /// Names and attributes out of a file do not break the lines of messages and reports.
  @Test func messagesAreOneLine() throws {
    var model = try ONNXModel(contentsOf: Vectors.path("conv2d.onnx"))
    let node = try #require(model.layers().first).node
    model.proto.graph.node[node].attribute.append(.ints("a\nb\u{1B}[2J", [1]))
    let obstacle = try #require(model.layers().first?.obstacle)
    #expect(obstacle == "its attribute 'a\\nb\\u{1B}[2J' cannot be carried over")
    for error in [
      ONNXError.file(FileError(path: "a\nb", reason: "c\nd")), .model(path: "a\nb", reason: "c\nd"),
      .tensor(path: "a\nb", name: "c\nd", reason: "e\nf"), .node(path: "a\nb", name: "c\nd", reason: "e\nf"),
    ] {
      #expect(!"\(error)".contains("\n"))
      #expect("\(error)".hasPrefix("a\\nb: "))
    }
  }

  /// Extents, groups and attributes that lie or overflow: the layer is left alone, and nothing traps.
  @Test(
    arguments: [
      [-1, 8, 3, 3], [0, 8, 3, 3], [12, 8, 3], [12], [], [1 << 40, 1 << 40, 3, 3], [.max, .max],
    ] as [[Int64]])
  func wrongExtentsAreObstacles(dims: [Int64]) throws {
    var model = try ONNXModel(contentsOf: Vectors.path("conv2d.onnx"))
    let layer = try #require(model.layers().first)
    let place = try #require(model.proto.graph.initializer.firstIndex { $0.name == layer.weight })
    model.proto.graph.initializer[place].dims = dims
    let broken = try #require(model.layers().first)
    #expect(broken.obstacle != nil)
    _ = try model.extents(of: [broken])
  }

  /// A batched product has a constant of three axes: not a layer that can be factored, but a valid model.
  @Test func batchedMatricesAreObstacles() throws {
    var model = try ONNXModel(contentsOf: Vectors.path("matmul-right-3d.onnx"))
    let layer = try #require(model.layers().first)
    let place = try #require(model.proto.graph.initializer.firstIndex { $0.name == layer.weight })
    model.proto.graph.initializer[place].dims.insert(1, at: 0)
    let batched = try #require(model.layers().first)
    #expect(batched.obstacle == "its constant matrix has 3 axes")
    #expect(batched.kernelShape == nil)
    _ = try model.extents(of: [batched])
  }

  @Test(arguments: ["group", "strides", "dilations", "pads", "kernel_shape"])
  func wrongAttributesAreObstacles(name: String) throws {
    var model = try ONNXModel(contentsOf: Vectors.path("conv2d.onnx"))
    let node = try #require(model.layers().first).node
    for values in [[], [-1], [0, 0], [.max, .max], [.min, 1, 1, 1], [5, 5]] as [[Int64]] {
      model.proto.graph.node[node].attribute.removeAll { $0.name == name }
      var attribute = AttributeProto.ints(name, [])
      attribute.ints = values
      attribute.i = values.first ?? -3
      model.proto.graph.node[node].attribute.append(attribute)
      let layers = model.layers()
      _ = try model.extents(of: layers)
      if name == "kernel_shape" || name == "group" || values.count == 1 { #expect(layers[0].obstacle != nil) }
    }
  }

  /// Ten thousand changed models: an error, or layers that can be asked for everything.
  @Test func changedBytesNeverTrap() throws {
    var generator = SeededGenerator(seed: 13)
    let originals = try ["conv2d", "conv-bn", "gemm-transa", "if-branches", "conv-ir3"].map {
      try FileReader.bytes(ofFile: Vectors.path("\($0).onnx"))
    }
    for round in 0..<10_000 {
      var data = originals[round % originals.count]
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        data[Int.random(in: 0..<data.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      if round % 5 == 0 { data = data.prefix(Int.random(in: 0..<data.count, using: &generator)) }
      guard let model = try? ONNXModel(data: data, path: "changed.onnx") else { continue }
      let layers = model.layers()
      _ = try? model.extents(of: layers)
      for layer in layers where layer.obstacle == nil { _ = try? model.kernel(of: layer) }
    }
  }
}
