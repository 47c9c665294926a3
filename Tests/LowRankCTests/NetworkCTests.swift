import CLowRank
import Foundation
import LowRankC
import ModelGraph
import Network
import ONNX
import Tensors
import TestSupport
import Testing

/// Networks by the C interface compute what the Swift ones do, and what ONNX Runtime does.
@Suite struct NetworkCTests {
  private let example = Vectors.example("mnist.onnx")

  @Test func theExampleIsThatOfSwift() throws {
    let images = randomTensor([3, 1, 28, 28], seed: 31)
    let expected = try Network(contentsOf: example).run(["image": NetworkTensor(images)])
    let session = try CSession(path: example)
    let found = try session.run([CArray(images)])
    let wanted = try #require(expected.values.first?.floats)
    #expect(found[0].extents == wanted.shape.extents)
    #expect(found[0].floats == wanted.elements)
    // Another batch in the same session, and the first again.
    let one = try session.run([CArray(randomTensor([1, 1, 28, 28], seed: 32))])
    #expect(one[0].extents == [1, 10])
    #expect(try session.run([CArray(images)])[0].floats == wanted.elements)
  }

  @Test func namesTypesAndShapesAreTheModels() throws {
    let network = try Network(contentsOf: example)
    let session = try CSession(path: example)
    var info = lowrank_network_info()
    info.struct_size = MemoryLayout<lowrank_network_info>.size
    try require(networkGetInfo(session.network, &info))
    #expect(info.input_count == 1 && info.output_count == 1)
    #expect(info.weight_bytes == network.weightByteCount)
    for (direction, values) in [(LOWRANK_INPUT, network.inputs), (LOWRANK_OUTPUT, network.outputs)] {
      var value = lowrank_value_info()
      value.struct_size = MemoryLayout<lowrank_value_info>.size
      try require(networkGetValue(session.network, direction, 0, &value))
      let extents = try #require(values[0].extents)
      #expect(value.name.map { String(cString: $0) } == values[0].name)
      #expect(value.type == LOWRANK_FLOAT32 && Int(value.order) == extents.count)
      let shape = withUnsafeBytes(of: value.shape) { Array($0.bindMemory(to: Int64.self)) }
      #expect(shape.prefix(extents.count).map { $0 == -1 ? nil : Int($0) } == extents)
      #expect(networkGetValue(session.network, direction, 1, &value) == LOWRANK_INVALID_ARGUMENT)
    }
  }

  @Test func shapesAreToldWithoutARun() throws {
    let session = try CSession(path: example)
    let input = CArray(randomTensor([5, 1, 28, 28], seed: 33))
    try session.withArrays([input], outputs: [nil]) { inputs, outputs in
      try require(networkGetShapes(session.network, inputs, 1, outputs, 1))
      let told = try #require(outputs[0]?.pointee)
      #expect(told.type == LOWRANK_FLOAT32 && told.order == 2 && told.shape.0 == 5 && told.shape.1 == 10)
    }
  }

  @Test func innerValuesAreAskedForByName() throws {
    let images = randomTensor([1, 1, 28, 28], seed: 34)
    let name = try #require(try ModelGraph(onnx: example).main.nodes.first?.outputs.first)
    let expected = try Network(contentsOf: example).run(["image": NetworkTensor(images)], outputs: [name])
    let found = try CSession(path: example).run([CArray(images)], outputs: [name])
    #expect(found[0].floats == expected[name]?.floats?.elements)
  }

  @Test func aModelInMemoryIsThatOfTheFile() throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: example)))
    var network: OpaquePointer?
    try require(networkCreate(bytes, bytes.count, nil, &network))
    let images = randomTensor([2, 1, 28, 28], seed: 35)
    let found = try CSession(network).run([CArray(images)])
    let other = try CSession(path: example).run([CArray(images)])
    #expect(found[0].floats == other[0].floats)
    #expect(networkCreate(bytes, bytes.count / 2, nil, &network) == LOWRANK_BAD_FILE)
  }

  /// Answers of ONNX Runtime, of floats and integers, with one output and several.
  @Test(arguments: [
    "argmax-integers", "cumsum-integers", "conv-transpose-large", "layer-normalization-outputs",
    "lstm-forward-all",
  ])
  func answersAreONNXRuntimes(_ name: String) throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Vectors.path("network"))
      .filter { $0.hasSuffix(".onnx") && $0.hasPrefix(name) }
    #expect(!files.isEmpty, "no vectors named \(name)")
    for file in files { try checkVector(Vectors.path("network/" + file)) }
  }

  private func checkVector(_ path: String) throws {
    let session = try CSession(path: path)
    let model = try ModelGraph(onnx: path)
    func constant(_ name: String) throws -> CArray {
      CArray(try #require(model.main.constants.first { $0.name == name }, "\(name) of \(path)"))
    }
    let found = try session.run(try model.inputs.map { try constant("given:" + $0.name) })
    for (output, info) in zip(found, model.main.outputs) {
      let expected = try constant("expected:" + info.name)
      #expect(output.extents == expected.extents && output.type == expected.type, "\(path) \(info.name)")
      if let floats = expected.floats, let answers = output.floats {
        // As in NetworkTests: some 100 roundings of the largest.
        let largest = floats.reduce(Float(0)) { max($0, abs($1)) }
        #expect(zip(floats, answers).allSatisfy { abs($0 - $1) <= 1e-5 * max(largest, 1e-30) }, "\(path)")
      } else {
        #expect(output.bytes == expected.bytes, "\(path) \(info.name)")
      }
    }
  }

  /// Sessions of one network on many tasks, and one session that they share.
  @Test func sessionsRunOnManyTasks() async throws {
    let images = (0..<4).map { randomTensor([1, 1, 28, 28], seed: 40 + UInt64($0)) }
    let shared = try CSession(path: example)
    let expected = try images.map { try shared.run([CArray($0)])[0].floats }
    let empty = CArray(type: LOWRANK_FLOAT32, extents: [1, 10], bytes: [UInt8](repeating: 0xA5, count: 40))
    let network = shared.network
    let handle = UInt(bitPattern: network)
    let sharedHandle = UInt(bitPattern: shared.session)
    let results = await withTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          do {
            let own = try CSession(sharing: OpaquePointer(bitPattern: handle))
            let session = task % 2 == 0 ? own : CSession(borrowing: OpaquePointer(bitPattern: sharedHandle))
            for round in 0..<20 {
              let place = (task + round) % images.count
              let found = try session.run([CArray(images[place])], into: empty)
              if found.floats != expected[place] { return false }
            }
            return true
          } catch { return false }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.count == 8 && results.allSatisfy { $0 })
  }

  @Test func whatIsWrongIsNamed() throws {
    let session = try CSession(path: example)
    let image = CArray(randomTensor([1, 1, 28, 28], seed: 50))
    func message(_ inputs: [CArray], outputs: [String?] = [nil]) -> (lowrank_status, String) {
      let status = session.withArrays(inputs, outputs: outputs) { inputs, outputs in
        sessionRun(session.session, inputs, Int32(inputs.count), outputs, Int32(outputs.count))
      }
      return (status, String(cString: lowrank_last_error()))
    }
    var (status, text) = message([CArray(randomTensor([1, 1, 28, 27], seed: 51))])
    #expect(status == LOWRANK_INVALID_ARGUMENT && text.contains("'image'") && text.contains("1x1x28x27"))
    (status, text) = message([image], outputs: ["nothing"])
    #expect(status == LOWRANK_INVALID_ARGUMENT && text.contains("'nothing'"))
    (status, text) = message([])
    #expect(status == LOWRANK_INVALID_ARGUMENT && text.contains("'image'"))
    (status, text) = message([image, image])
    #expect(status == LOWRANK_INVALID_ARGUMENT && text.contains("inputs[1]"))
    var network: OpaquePointer?
    #expect(networkOpen("none/none.onnx", nil, &network) == LOWRANK_BAD_FILE)
    #expect(networkOpen(Vectors.path("local-function.onnx"), nil, &network) == LOWRANK_UNSUPPORTED)
    #expect(String(cString: lowrank_last_error()).contains("node '"))
  }

  /// A count that does not fit leaves the elements as they are and tells the shape.
  @Test func wrongCountsAreToldTheShape() throws {
    let session = try CSession(path: example)
    let image = CArray(randomTensor([1, 1, 28, 28], seed: 52))
    var elements = [Float](repeating: -7, count: 12)
    try session.withArrays([image], outputs: [nil]) { inputs, outputs in
      let output = try #require(outputs[0])
      elements.withUnsafeMutableBytes { output.pointee.elements = $0.baseAddress }
      output.pointee.count = 9
      #expect(sessionRun(session.session, inputs, 1, outputs, 1) == LOWRANK_SIZE_MISMATCH)
      #expect(output.pointee.order == 2 && output.pointee.shape.1 == 10)
    }
    #expect(elements == [Float](repeating: -7, count: 12))
  }
}
