import Foundation
import TestSupport
import Testing

@Suite struct TimingCommandTests {
  private let mnist = Vectors.example("mnist.onnx")

  @Test func wrongUsageIsSixtyFour() throws {
    let folder = try TemporaryFolder()
    let output = folder.path("m.onnx")
    for arguments in [
      ["--latency", "0"], ["--latency", "1.5"], ["--target-ms", "0"], ["--target-ms", "-3"],
      ["--latency", "0.5", "--target-ms", "3"], ["--latency", "0.5", "--macs", "0.5"],
      ["--latency", "0.5", "--error", "0.3"], ["--profile", "board.json"],
    ] {
      let run = try lowrank(["compress", mnist, "-o", output] + arguments)
      #expect(run.status == 64 && !run.error.isEmpty, "\(arguments): \(run.status) \(run.error)")
    }
    #expect(try folder.names.isEmpty)
  }

  /// A board's table made here and used as one from elsewhere.
  @Test func aProfileIsWrittenAndUsed() throws {
    let folder = try TemporaryFolder()
    let board = folder.path("board.json")
    let profile = try lowrank("profile", mnist, "-o", board, "--threads", "1")
    #expect(profile.status == 0 && profile.output.contains("written"), "\(profile.error)")
    let table = try json(String(decoding: Data(contentsOf: URL(fileURLWithPath: board)), as: UTF8.self))
    #expect(table["threads"] as? Int == 1 && (table["networkMs"] as? Double).map { $0 > 0 } ?? false)
    let run = try lowrank(
      "compress", mnist, "-o", folder.path("m.onnx"), "--latency", "1", "--profile", board, "--json")
    #expect(run.status == 0, "\(run.error)")
    let time = try #require(try json(run.output)["time"] as? [String: Any])
    #expect(time["measuredMs"] == nil && time["predictedMs"] != nil)
    let other = try lowrank(
      "compress", Vectors.path("images/channels-first.onnx"), "-o", folder.path("o.onnx"), "--latency", "0.5",
      "--profile", board)
    #expect(other.status == 1 && other.error.contains("board.json"), "\(other.error)")
    #expect(try folder.names == ["board.json", "m.onnx"])
  }

  @Test func whatIsNoProfileIsSaid() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("board.json")
    try Data("{\"layers\": 3}".utf8).write(to: URL(fileURLWithPath: path))
    let run = try lowrank(
      "compress", mnist, "-o", folder.path("m.onnx"), "--latency", "0.5", "--profile", path)
    #expect(run.status == 1 && run.error.contains("lowrank profile"), "\(run.error)")
    #expect(try folder.names == ["board.json"])
  }

  @Test func aRuntimeThatIsNotThereIsSaid() throws {
    let folder = try TemporaryFolder()
    let run = try shell(
      "XDG_CACHE_HOME=$PWD LOWRANK_ONNXRUNTIME=$PWD/none.so $lowrank compress '\(mnist)' -o m.onnx --latency 0.5 --runtime onnxruntime",
      in: folder.path)
    #expect(run.status == 1 && run.error.contains("LOWRANK_ONNXRUNTIME"), "\(run.error)")
    #expect(try folder.names.isEmpty)
  }

  /// A budget of multiplies says what became of the milliseconds.
  @Test func fewerMultipliesAreTimed() throws {
    let folder = try TemporaryFolder()
    let run = try lowrank(
      "compress", mnist, "-o", folder.path("m.onnx"), "--macs", "0.5", "--threads", "1", "--json",
      folder.path("m.json"))
    #expect(run.status == 0 && run.output.contains("time of a run, 1 thread(s)"), "\(run.error)")
    let report = try json(
      String(decoding: Data(contentsOf: URL(fileURLWithPath: folder.path("m.json"))), as: UTF8.self))
    let time = try #require(report["time"] as? [String: Any])
    let (dense, measured) = (
      try #require(time["denseMs"] as? Double), try #require(time["measuredMs"] as? Double)
    )
    #expect(dense > 0 && measured > 0 && time["predictedMs"] == nil)
    #expect(time["isFaster"] as? Bool == (measured <= 0.98 * dense))
    #expect(run.output.contains("no faster") == (measured > 0.98 * dense))
  }

  @Test func inspectSaysWhy() throws {
    let folder = try TemporaryFolder()
    let run = try shell(
      "XDG_CACHE_HOME=$PWD/cache $lowrank inspect '\(mnist)' --why --json --threads 1 > why.json",
      in: folder.path)
    #expect(run.status == 0, "\(run.error)")
    let report = try json(
      String(decoding: Data(contentsOf: URL(fileURLWithPath: folder.path("why.json"))), as: UTF8.self))
    let layers = try #require(report["layers"] as? [[String: Any]])
    #expect(!layers.isEmpty)
    let excess = layers.map { ($0["ms"] as? Double ?? .nan) - ($0["rooflineMs"] as? Double ?? .nan) }
    #expect(zip(excess, excess.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(FileManager.default.fileExists(atPath: folder.path("cache/lowrank/times.txt")))
    // Times that cannot be kept are no reason to fail.
    let homeless = try shell(
      "XDG_CACHE_HOME=/proc/none $lowrank compress '\(mnist)' -o m.onnx --latency 0.7 --threads 1",
      in: folder.path)
    #expect(homeless.status == 0, "\(homeless.error)")
  }
}
