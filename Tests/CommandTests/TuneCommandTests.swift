import Foundation
import ModelGraph
import ONNX
import TensorFiles
import TestSupport
import Tensors
import Testing

@Suite struct TuneCommandTests {
  private let mnist = Vectors.example("mnist.onnx")

  /// Some digits of the example, and its network with half of the ranks.
  private func prepare(_ folder: borrowing TemporaryFolder, broken: Bool = false) throws -> [String] {
    let images = try NPYFile(contentsOf: Vectors.example("test_images.npy")).tensor.converted(to: Float.self)
    var elements = Array(images.elements.prefix(784 * 6))
    if broken { elements[784 * 2] = .nan }
    try NPYFile.write(.float(Tensor(shape: [6, 1, 28, 28], elements: elements)), to: folder.path("x.npy"))
    let run = try lowrank(
      "compress", mnist, "--ranks-ratio", "0.4", "--layers", "conv3|hidden", "-o", folder.path("small.onnx"))
    #expect(run.status == 0, "\(run.error)")
    return [
      "tune", folder.path("small.onnx"), "--teacher", mnist, "--images", folder.path("x.npy"), "--batch", "2",
      "--epochs", "2", "--held-back", "0.3",
    ]
  }

  /// Only weights change: the file has as many bytes, and the same nodes and names.
  @Test func structureStays() throws {
    let folder = try TemporaryFolder()
    let arguments = try prepare(folder)
    let run = try lowrank(arguments + ["-o", folder.path("tuned.onnx"), "--json"])
    #expect(run.status == 0, "\(run.error)")
    let report = try json(run.output)
    let (start, best) = (
      try #require(report["startLoss"] as? Double), try #require(report["bestLoss"] as? Double)
    )
    #expect(best < start, "\(start) to \(best)")
    #expect((report["blocks"] as? [String])?.isEmpty == false)
    #expect(((report["outputs"] as? [[String: Any]])?.first?["loss"] as? String) == "kl")
    let before = try ModelGraph(onnx: folder.path("small.onnx"))
    let after = try ModelGraph(onnx: folder.path("tuned.onnx"))
    #expect(before.byteCount == after.byteCount && before.main.nodes == after.main.nodes)
    #expect(before.main.constants.map(\.name) == after.main.constants.map(\.name))
    #expect(before.main.constants != after.main.constants)
  }

  /// A run whose output could not be written goes on from its checkpoint, which is gone afterwards; threads change nothing.
  @Test func checkpointsOutliveFullDisks() throws {
    let folder = try TemporaryFolder()
    let arguments = try prepare(folder)
    let whole = try lowrank(arguments + ["-o", folder.path("whole.onnx")])
    #expect(whole.status == 0, "\(whole.error)")
    let state = ["--checkpoint", folder.path("state.safetensors"), "--threads", "2"]
    let full = try lowrank(arguments + ["-o", "/dev/full"] + state)
    #expect(full.status == 1 && full.error.contains("/dev/full"), "\(full.error)")
    #expect(try folder.names.contains("state.safetensors"))
    let resumed = try lowrank(arguments + ["-o", folder.path("resumed.onnx")] + state)
    #expect(resumed.status == 0, "\(resumed.error)")
    #expect(try !folder.names.contains("state.safetensors"))
    #expect(
      try FileReader.bytes(ofFile: folder.path("whole.onnx"))
        == FileReader.bytes(ofFile: folder.path("resumed.onnx")))
  }

  /// Factored, fitted and tuned in one go, on the images that it is calibrated on.
  @Test func compressTunes() throws {
    let folder = try TemporaryFolder()
    _ = try prepare(folder)
    let arguments = ["compress", mnist, "-o", folder.path("out.onnx"), "--macs", "0.25"]
    let images = ["--calibrate", folder.path("x.npy")]
    let run = try lowrank(
      arguments + ["--tune-on", folder.path("x.npy"), "--tune", "0.02", "--rounds", "2", "--json"])
    #expect(run.status == 0, "\(run.error)")
    let report = try json(run.output)
    let tuning = try #require(report["tuning"] as? [String: Any])
    let (start, best) = (
      try #require(tuning["startLoss"] as? Double), try #require(tuning["bestLoss"] as? Double)
    )
    // How many steps a second takes is the machine's affair; that they win something is not for a test of a second.
    #expect(best <= start && start.isFinite, "\(start) to \(best)")
    #expect((tuning["steps"] as? Int) ?? 0 > 0)
    #expect((tuning["weights"] as? Int) ?? 0 > 0)
    let macs = try #require((report["model"] as? [String: Any])?["macsAfter"] as? Int)
    let before = try #require((report["model"] as? [String: Any])?["macsBefore"] as? Int)
    // Both rounds count from the network as it was.
    #expect(Double(macs) <= 0.25 * Double(before), "\(macs) of \(before)")
    let other = try lowrank(arguments + images + ["--tune", "0.02"])
    #expect(other.status == 0 && other.output.contains("loss of the images held back"), "\(other.error)")
    for wrong in [
      ["--tune", "1"], images + ["--tune", "0"], images + ["--crop", "9"],
      images + ["--tune", "1", "--weights", "int8"],
    ] {
      #expect(try lowrank(arguments + wrong).status == 64, "\(wrong)")
    }
  }

  @Test func brokenImagesAreNamed() throws {
    let folder = try TemporaryFolder()
    let run = try lowrank(try prepare(folder, broken: true) + ["-o", folder.path("tuned.onnx")])
    #expect(run.status == 1 && run.error.contains("image 2"), "\(run.error)")
    #expect(try !folder.names.contains("tuned.onnx"))
  }

  @Test func wrongUsageIsRefused() throws {
    let folder = try TemporaryFolder()
    let arguments = try prepare(folder)
    let both = try lowrank(arguments + ["-o", folder.path("tuned.onnx"), "--minutes", "1"])
    #expect(both.status == 64)
    let over = try lowrank(arguments + ["-o", folder.path("x.npy")])
    #expect(over.status == 64)
  }
}
