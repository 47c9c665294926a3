import ModelGraph
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import ONNX

/// Each message of the format as what it is in a model.
@Suite struct MessageTests {
  private func tensor(_ type: Int, _ extents: [Int], _ fill: (inout WireWriter) -> Void) throws -> Constant {
    var writer = WireWriter()
    for extent in extents { writer.int(1, extent) }
    writer.int(2, type)
    writer.string(8, "x")
    fill(&writer)
    var reader = WireReader(
      ByteView(writer.pieces.flatMap { $0.bytesInMemory ?? [] }), files: ModelFiles(path: "m.onnx"))
    return try reader.entity()
  }

  /// The elements of every type from the field that the standard gives them, as little endian bytes. One number to the
  /// field, as some producers write them, or packed.
  @Test(arguments: [false, true])
  func elementsOfEveryTypeAreRead(packed: Bool) throws {
    func numbers(_ field: Int, _ values: [Int]) -> (inout WireWriter) -> Void {
      { writer in
        guard packed else { return values.forEach { writer.int(field, $0) } }
        // The values without their keys, which are a byte each.
        let joined = values.flatMap { value in
          var single = WireWriter()
          single.int(1, value)
          return single.pieces.flatMap { $0.bytesInMemory ?? [] }.dropFirst()
        }
        writer.bytes(field, ByteView(joined))
      }
    }
    let cases: [(type: Int, field: Int, values: [Int], bytes: [UInt8])] = [
      (6, 5, [-2, 1 << 30], [0xFE, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0x40]),
      (3, 5, [-2, 127], [0xFE, 127]), (2, 5, [255, 1], [255, 1]), (9, 5, [1, 0], [1, 0]),
      (5, 5, [-2, 258], [0xFE, 0xFF, 2, 1]), (4, 5, [65535, 2], [0xFF, 0xFF, 2, 0]),
      (10, 5, [0x3C00, 0xC000], [0, 0x3C, 0, 0xC0]), (16, 5, [0x3F80, 0xBF80], [0x80, 0x3F, 0x80, 0xBF]),
      (17, 5, [0x38, 0xB8], [0x38, 0xB8]), (22, 5, [0x21], [0x21]),
      (7, 7, [-1, 1 << 40], [UInt8](repeating: 0xFF, count: 8) + [0, 0, 0, 0, 0, 1, 0, 0]),
      (12, 11, [1 << 31, 3], [0, 0, 0, 0x80, 3, 0, 0, 0]),
      (13, 11, [-1, 3], [UInt8](repeating: 0xFF, count: 8) + [3, 0, 0, 0, 0, 0, 0, 0]),
    ]
    for (type, field, values, bytes) in cases {
      let constant = try tensor(type, [2], numbers(field, values))
      #expect(constant.elements == .bytes(ByteView(bytes)), "type \(type)")
      #expect(constant.isWhole, "type \(type)")
    }
    let floats: [Float] = [1.5, -2]
    let single = try tensor(1, [2]) { writer in
      guard packed else { return floats.forEach { writer.float(4, $0) } }
      writer.bytes(4, ByteView(Tensor(shape: [2], elements: floats).bytes(as: .float32)))
    }
    #expect(try single.floats()?.elements == floats)
  }

  @Test func textsAreRead() throws {
    let texts = ["", "two", "drei"].map { ByteView(Array($0.utf8)) }
    let constant = try tensor(8, [3]) { writer in texts.forEach { writer.bytes(6, $0) } }
    #expect(constant.elements == .strings(texts) && constant.isWhole)
  }

  /// A type of a later standard: kept, though nobody here can read it.
  @Test func unknownTypesAreKept() throws {
    var constant = try tensor(99, [2]) { $0.int(5, 7) }
    #expect(constant.elements == .other && constant.type == .other(99))
    constant.name = "y"
    let written = try WireWriter(constant, WritingOptions(path: "")).pieces.flatMap { try $0.bytes() }
    var expected = WireWriter()
    expected.int(1, 2)
    expected.int(2, 99)
    expected.string(8, "y")
    expected.int(5, 7)
    #expect(written == expected.pieces.flatMap { $0.bytesInMemory ?? [] })
  }

  @Test func functionsAreRead() throws {
    let model = try ModelGraph(onnx: Vectors.path("local-function.onnx"))
    let function = try #require(model.functions.first)
    let call = try #require(model.main.nodes.first { !$0.isStandard })
    #expect(call.opType == function.name && call.domain == function.domain)
    #expect(call.inputs.count == function.inputs.count && call.outputs.count == function.outputs.count)
    #expect(!function.nodes.isEmpty && function.operatorSets.contains(where: \.isStandard))
  }

  /// Old files give attributes no type: it follows from the field that is there.
  @Test func attributesWithoutATypeAreRead() throws {
    var writer = WireWriter()
    writer.string(1, "axes")
    writer.int(8, 3)
    writer.int(8, -1)
    let bytes = ByteView(writer.pieces.flatMap { $0.bytesInMemory ?? [] })
    var reader = WireReader(bytes, files: ModelFiles(path: "m.onnx"))
    let attribute: Attribute = try reader.entity()
    #expect(attribute == Attribute("axes", .ints([3, -1])))
    #expect(try WireWriter(attribute, WritingOptions(path: "")).pieces == [bytes])
  }

  /// The values of a branch of `If`, by the names that its nodes have.
  @Test func bodiesAreRead() throws {
    let model = try ModelGraph(onnx: Vectors.path("if-branches.onnx"))
    let node = try #require(model.main.nodes.first { $0.opType == "If" })
    let branches = node.attributes.flatMap(\.graphs)
    #expect(branches.count == 2)
    for branch in branches {
      #expect(branch.outputs.count == node.outputs.count)
      #expect(branch.nodes.contains { $0.outputs.contains(branch.outputs[0].name) })
    }
  }
}
