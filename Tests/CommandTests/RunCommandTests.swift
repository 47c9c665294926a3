import Foundation
import TensorFiles
import Tensors
import TestSupport
import Testing

@Suite struct RunCommandTests {
  private let model = Vectors.path("conv2d.onnx")
  private let input = Vectors.path("conv2d.input.npy")

  private func floats(_ path: String) throws -> [Float] {
    try NPYFile(contentsOf: path).tensor.converted(to: Float.self).elements
  }

  /// Sums of 8 channels by 9 taps, in another order than ONNX Runtime's: 72 terms of at most the largest output's size.
  private func isClose(_ a: [Float], _ b: [Float]) -> Bool {
    let size = b.map(\.magnitude).max() ?? 0
    return a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 72 * .ulpOfOne * size }
  }

  @Test func outputsAreFilesAndRows() throws {
    let folder = try TemporaryFolder()
    let run = try lowrank("run", model, "-i", input, "-o", folder.path("out"), "--json")
    #expect(run.status == 0 && run.error.isEmpty, "\(run.error)")
    let rows = try #require(try json(run.output)["outputs"] as? [[String: Any]])
    #expect(rows.count == 1 && rows[0]["name"] as? String == "y" && rows[0]["type"] as? String == "float32")
    #expect(rows[0]["shape"] as? [Int] == [2, 12, 5, 6] && rows[0]["notFinite"] as? Int == 0)
    let expected = try floats(Vectors.path("conv2d.output.npy"))
    #expect(isClose(try floats(folder.path("out/y.npy")), expected))
    let largest = try #require(rows[0]["max"] as? Double)
    #expect(abs(largest - Double(expected.max() ?? 0)) <= 1e-4)
    let table = try lowrank("run", model, "-i", "x=\(input)")
    #expect(table.status == 0 && table.output.contains("2x12x5x6"))
  }

  @Test(arguments: ["<f2", "<f8"]) func floatsOfAnyPrecisionAreTaken(type: String) throws {
    let folder = try TemporaryFolder()
    let tensor = try NPYFile(contentsOf: input).tensor
    try NPYFile.write(
      tensor, to: folder.path("x.npy"), type: type == "<f2" ? .float16 : .float64, order: .fortran)
    let run = try lowrank("run", model, "-i", folder.path("x.npy"), "-o", folder.path("out"))
    #expect(run.status == 0, "\(run.error)")
    guard type == "<f8" else { return }
    #expect(isClose(try floats(folder.path("out/y.npy")), try floats(Vectors.path("conv2d.output.npy"))))
  }

  @Test func integersGoIntoFloatsAsTheyAre() throws {
    let folder = try TemporaryFolder()
    let shape = try NPYFile(contentsOf: input).tensor.shape
    let bytes = (0..<shape.count).map { $0 % 256 }
    try NPYArray.integers(bytes, shape: shape, type: .uint8).data().write(
      to: URL(fileURLWithPath: folder.path("b.npy")))
    try NPYFile.write(
      .float(Tensor(shape: shape, elements: bytes.map { Float($0) })), to: folder.path("f.npy"))
    for name in ["b", "f"] {
      #expect(
        try lowrank("run", model, "-i", folder.path("\(name).npy"), "-o", folder.path(name)).status == 0)
    }
    #expect(try floats(folder.path("b/y.npy")) == (try floats(folder.path("f/y.npy"))))
  }

  @Test func innerValuesAreGivenByName() throws {
    let folder = try TemporaryFolder()
    let images = Vectors.example("test_images.npy")
    let one = try NPYFile(contentsOf: images).tensor.converted(to: Float.self)
    let image = Tensor<Float>(shape: [1, 1, 28, 28], elements: Array(one.elements.prefix(784)))
    try NPYFile.write(.float(image), to: folder.path("x.npy"))
    // ModelGraph's names of inner values are the file's.
    let mnist = Vectors.example("mnist.onnx")
    let all = try lowrank(
      "run", mnist, "-i", folder.path("x.npy"), "--output", "/conv1/Conv_output_0", "--output", "logits",
      "-o",
      folder.path("out"))
    #expect(all.status == 0, "\(all.error)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("out")).sorted() == [
        "_conv1_Conv_output_0.npy", "logits.npy",
      ])
  }

  @Test func profilesAreTraces() throws {
    let folder = try TemporaryFolder()
    let run = try lowrank("run", model, "-i", input, "--profile", folder.path("t.json"), "--explain")
    #expect(run.status == 0 && run.output.contains("Conv"))
    let text = try String(contentsOfFile: folder.path("t.json"), encoding: .utf8)
    let events = try #require(try json(text)["traceEvents"] as? [[String: Any]])
    #expect(!events.isEmpty && events.allSatisfy { $0["ph"] as? String == "X" && $0["dur"] is Double })
    #expect(events.contains { $0["cat"] as? String == "Conv" })
  }

  @Test func wrongUsageLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let out = folder.path("out")
    try Data("broken".utf8).write(to: URL(fileURLWithPath: folder.path("broken.npy")))
    try NPYFile.write(.float(Tensor(shape: [1, 8, 5], repeating: 1)), to: folder.path("shape.npy"))
    let cases: [([String], Int32, String)] = [
      ([model, "-o", out], 1, "input 'x'"),
      ([model, "-i", input, "-i", input, "-o", out], 1, "no further input"),
      ([model, "-i", "x=\(input)", "-i", "x=\(input)", "-o", out], 1, "twice"),
      ([model, "-i", "foo=\(input)", "-o", out], 1, "no input 'foo'"),
      ([model, "-i", folder.path("none.npy"), "-o", out], 1, "none.npy"),
      ([model, "-i", folder.path("broken.npy"), "-o", out], 1, "broken.npy"),
      ([model, "-i", folder.path("shape.npy"), "-o", out], 1, "input 'x'"),
      ([model, "-i", input, "--output", "nobody", "-o", out], 1, "nobody"),
      ([model, "-i", input, "--output", "y", "--output", "y", "-o", out], 64, "twice"),
      ([model, "-i", input, "-o", out, "--threads", "0"], 64, "--threads"),
      ([model, "-i", input, "-o", out, "--winograd", "on"], 64, "winograd"),
      ([folder.path("broken.npy"), "-i", input, "-o", out], 1, "broken.npy"),
      ([model, "-i", input, "-o", folder.path("broken.npy")], 1, "broken.npy"),
      ([model, "-i", input, "-o", folder.path("no/such")], 1, "no/such"),
      ([model, "-i", input, "-o", out, "--profile", folder.path("no/t.json")], 1, "no/t.json"),
    ]
    for (arguments, status, word) in cases {
      let run = try lowrank(["run"] + arguments)
      #expect(run.status == status && run.error.contains(word), "\(arguments): \(run.status) \(run.error)")
      #expect(try folder.names == ["broken.npy", "shape.npy"])
    }
  }

  @Test func inputsAreNotWrittenOver() throws {
    let folder = try TemporaryFolder()
    let before = try Data(contentsOf: URL(fileURLWithPath: input))
    try before.write(to: URL(fileURLWithPath: folder.path("y.npy")))
    let run = try lowrank("run", model, "-i", folder.path("y.npy"), "-o", folder.path("."))
    #expect(run.status == 64 && run.error.contains("same file"), "\(run.error)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("y.npy"))) == before)
  }

  @Test func nothingFiniteIsPrintedAsJSON() throws {
    let folder = try TemporaryFolder()
    let shape = try NPYFile(contentsOf: input).tensor.shape
    try NPYFile.write(.float(Tensor(shape: shape, repeating: .nan)), to: folder.path("nan.npy"))
    let run = try lowrank("run", model, "-i", folder.path("nan.npy"), "--json")
    #expect(run.status == 0, "\(run.error)")
    let rows = try #require(try json(run.output)["outputs"] as? [[String: Any]])
    #expect(rows.first?["notFinite"] as? Int == 720 && rows.first?["mean"] == nil)
  }
}
