import Foundation
import TestSupport
import Testing

@Suite struct BenchModelTests {
  private let mnist = Vectors.example("mnist.onnx")

  @Test func theReportHasEveryNumber() throws {
    let folder = try TemporaryFolder()
    let run = try lowrank(
      "bench", "model", mnist, "--reps", "3", "--layers", "--json", "--profile", folder.path("t.json"))
    #expect(run.status == 0 && run.error.isEmpty, "\(run.error)")
    let report = try json(run.output)
    let least = try #require(report["minMs"] as? Double)
    let median = try #require(report["medianMs"] as? Double)
    #expect(least > 0 && median >= least)
    #expect(report["threads"] as? Int == 1 && (report["arenaBytes"] as? Int).map { $0 > 0 } ?? false)
    // 425504 weights of four bytes and the biases.
    let weights = try #require(report["weightBytes"] as? Int)
    let peak = try #require(report["peakBytes"] as? Int)
    #expect(weights >= 4 * 425_504 && peak > weights)
    let layers = try #require(report["layers"] as? [[String: Any]])
    #expect(layers.contains { $0["op"] as? String == "Conv" && $0["name"] as? String == "/conv1/Conv" })
    for key in ["name", "op", "fused", "ms", "gflops", "layout"] {
      #expect(layers.allSatisfy { $0[key] != nil }, "\(key)")
    }
    #expect(try folder.names == ["t.json"])
  }

  @Test func openShapesAreGiven() throws {
    let model = Vectors.path("images/channels-first.onnx")
    let open = try lowrank("bench", "model", model, "--reps", "1")
    #expect(open.status == 1 && open.error.contains("--input-shape"), "\(open.error)")
    for shape in ["1,3,9,11", "image=2,3,9,11"] {
      let run = try lowrank("bench", "model", model, "--reps", "1", "--input-shape", shape)
      #expect(run.status == 0 && run.output.contains("median"), "\(run.error)")
    }
  }

  @Test func wrongUsageIsSaid() throws {
    let model = Vectors.path("images/channels-first.onnx")
    let cases: [([String], Int32)] = [
      ([model, "--input-shape", "other=1,3,2,2"], 1), ([model, "--input-shape", "1,3,0,2"], 64),
      ([model, "--input-shape", "1,3,2,2", "--input-shape", "1,3,2,2"], 1),
      ([model, "--input-shape", "1,3,1073741824,1073741824"], 1), ([model, "--input-shape", "1,4,2,2"], 1),
      ([model, "--input-shape", "1,3,2,2", "--reps", "0"], 64), (["none.onnx"], 1),
    ]
    for (arguments, status) in cases {
      let run = try lowrank(["bench", "model"] + arguments)
      #expect(run.status == status && !run.error.isEmpty, "\(arguments): \(run.status) \(run.error)")
    }
  }
}
