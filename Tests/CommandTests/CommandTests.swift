import Foundation
import ModelGraph
import ONNX
import TensorFiles
import Tensors
import TestSupport
import Testing

@Suite struct CommandTests {
  private let mnist = Vectors.example("mnist.onnx")

  /// The commands that stand where none is named are there.
  @Test func withoutASubcommandThreeAreShown() throws {
    let run = try lowrank()
    #expect(run.status == 0 && run.error.isEmpty)
    let shown = run.output.split(separator: "\n").filter { $0.hasPrefix("  lowrank ") }
    #expect(shown.count == 3)
    for line in shown {
      let words = line.split(separator: " ").dropFirst().prefix { !$0.contains(".") && !$0.hasPrefix("-") }
      #expect(try lowrank(words.map(String.init) + ["--help"]).status == 0, "\(line)")
    }
    #expect(shown.allSatisfy { $0.count <= 80 })
  }

  @Test func compressWritesAModelAndAReport() throws {
    let folder = try TemporaryFolder()
    let run = try lowrank("compress", mnist, "-o", folder.path("out.onnx"), "--json")
    #expect(run.status == 0 && run.error.isEmpty)
    let report = try json(run.output)
    let model = try #require(report["model"] as? [String: Any])
    let names = ["paramsBefore", "paramsAfter", "macsBefore", "macsAfter", "bytesBefore", "bytesAfter"]
    #expect(Set(model.keys) == Set(names))
    #expect(report["elapsedSeconds"] is Double)
    let layers = try #require(report["layers"] as? [[String: Any]])
    #expect(layers.count == 7)
    for key in ["name", "op", "kernelShape", "group", "method", "ranks", "relativeError", "errorBound"] {
      #expect(layers.allSatisfy { $0[key] != nil })
    }
    #expect(try folder.names == ["out.onnx"])
    let table = try lowrank(
      "compress", mnist, "-o", folder.path("b.onnx"), "--json", folder.path("report.json"))
    #expect(table.output.contains("weights: 425 504 -> "))
    #expect(try folder.names == ["b.onnx", "out.onnx", "report.json"])
  }

  @Test func compressWritesAPage() throws {
    let folder = try TemporaryFolder()
    let page = folder.path("report.html")
    let model = ["compress", mnist, "-o", folder.path("out.onnx"), "--method", "svd"]
    let run = try lowrank(model + ["--report", page])
    #expect(run.status == 0 && run.error.isEmpty)
    #expect(run.output.contains("weights: 425 504 -> "))
    let html = try String(contentsOfFile: page, encoding: .utf8)
    #expect(html.hasPrefix("<!DOCTYPE html>") && html.contains("/hidden/Gemm"))
    #expect(!html.contains("The trade-off"))
    _ = try lowrank(model + ["--macs", "0.9999", "--report", page])
    #expect(try String(contentsOfFile: page, encoding: .utf8).contains("The trade-off"))
    // Nothing is written where the page cannot be.
    let failed = try lowrank([
      "compress", mnist, "-o", folder.path("b.onnx"), "--report", folder.path("no/r.html"),
    ])
    #expect(failed.status == 1 && failed.error.contains("no/r.html"))
    #expect(try folder.names == ["out.onnx", "report.html"])
    #expect(try lowrank("compress", mnist, "--sweep", "0.5", "--report", page).status == 64)
  }

  @Test func inspectShowsEveryLayer() throws {
    let run = try lowrank("inspect", mnist)
    #expect(run.status == 0)
    for name in ["/conv1/Conv", "/conv5/Conv", "/output/Gemm", "22 050 560 multiplies"] {
      #expect(run.output.contains(name))
    }
    let report = try json(try lowrank("inspect", mnist, "--json").output)
    #expect((report["layers"] as? [Any])?.count == 7)
  }

  @Test(arguments: [
    ("tucker2", "3,2"), ("spatial", "3"), ("spatial-mirrored", "3"), ("channel", "2"),
    ("channel-mirrored", "2"), ("cp3", "3"), ("cp4", "3"),
  ])
  func decomposeAndReconstruct(method: String, ranks: String) throws {
    let folder = try TemporaryFolder()
    var generator = SeededGenerator(seed: 71)
    let kernel = Tensor<Double>.decayingKernel([6, 5, 3, 3], using: &generator)
    try NPYFile.write(.double(kernel), to: folder.path("k.npy"))
    let run = try lowrank(
      "decompose", folder.path("k.npy"), "-o", folder.path("f.safetensors"), "--method", method, "--ranks",
      ranks,
      "--json")
    #expect(run.status == 0, "\(run.error)")
    let report = try json(run.output)
    let error = try #require(report["relativeError"] as? Double)
    #expect(report["errorBound"] is Double && report["sweeps"] is Int && report["seconds"] is Double)
    #expect(try lowrank("reconstruct", folder.path("f.safetensors"), "-o", folder.path("r.npy")).status == 0)
    let read = try NPYFile(contentsOf: folder.path("r.npy")).tensor.converted(to: Double.self)
    let difference = zip(kernel.elements, read.elements).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let total = kernel.elements.reduce(0) { $0 + $1 * $1 }
    #expect(abs((difference / total).squareRoot() - error) <= 1e-10)
  }

  @Test(arguments: ["als", "tensor-power", "levenberg-marquardt"])
  func everyAlgorithmOfCPGivesItsCertificate(algorithm: String) throws {
    let folder = try TemporaryFolder()
    var generator = SeededGenerator(seed: 72)
    let kernel = Tensor<Float>.decayingKernel([6, 5, 3, 3], using: &generator)
    try NPYFile.write(.float(kernel), to: folder.path("k.npy"))
    let run = try lowrank(
      "decompose", folder.path("k.npy"), "-o", folder.path("f.safetensors"), "--method", "cp3", "--ranks",
      "4",
      "--algorithm", algorithm, "--json")
    #expect(run.status == 0, "\(run.error)")
    let report = try json(run.output)
    #expect(try #require(report["relativeError"] as? Double) < 1)
    #expect(report["sensitivity"] is Double && report["largestComponentNorm"] is Double)
  }

  @Test func benchConvReportsItsNumbers() throws {
    for form in ["dense", "tucker2:4,4", "cp3:4", "spatial:4", "channel:4"] {
      let run = try lowrank(
        "bench", "conv", "--layer", "8,8,3,10,10,1,1", "--form", form, "--reps", "5", "--json")
      #expect(run.status == 0, "\(run.error)")
      let report = try json(run.output)
      for key in ["medianMs", "minMs", "macs", "gflops", "threads", "maxAbsDiff"] {
        #expect(report[key] is NSNumber, "\(key)")
      }
      // Sums of at most 72 products of numbers of size one, three times, in single precision.
      #expect(try #require(report["maxAbsDiff"] as? Double) < 1e-4)
    }
  }

  @Test func wrongUsageIsSixtyFour() throws {
    let folder = try TemporaryFolder()
    for arguments in [
      ["compress", mnist], ["compress", mnist, "-o", folder.path("x"), "--energy", "2"],
      ["compress", mnist, "-o", folder.path("x"), "--energy", "0.5", "--error", "0.5"],
      ["compress", mnist, "-o", folder.path("x"), "--layers", "("],
      ["compress", mnist, "-o", folder.path("x"), "--method", "magic"],
      ["bench", "conv", "--layer", "1,2", "--form", "dense"],
      ["bench", "conv", "--layer", "8,8,3,10,10,1,1", "--form", "tucker2:1"],
      ["bench", "conv", "--layer", "8,8,9,4,4,1,0", "--form", "dense"],
      ["decompose", "k.npy", "-o", folder.path("x"), "--method", "svd", "--ranks", "1,2"], ["nothing"],
      [
        "decompose", "k.npy", "-o", folder.path("x"), "--method", "cp3", "--ranks", "1", "--algorithm",
        "hooi",
      ],
    ] {
      let run = try lowrank(arguments)
      #expect(run.status == 64, "\(arguments): \(run.status)")
    }
    #expect(try folder.names == [])
  }

  @Test func openShapesAreAskedForByName() throws {
    let folder = try TemporaryFolder()
    let (path, out) = (folder.path("open.onnx"), folder.path("out.onnx"))
    var model = try ModelGraph(onnx: mnist)
    let input = model.main.inputs[0].name
    model.main.inputs[0].type = .tensor(.float32, shape: [.known(1), .known(1), .open, .symbol("width")])
    _ = try model.saveONNX(to: path)
    let open = try lowrank("compress", path, "-o", out, "--macs", "0.5")
    #expect(open.status == 1 && open.error.contains("--input-shape"), "\(open.error)")
    #expect(open.error.contains("'\(input)' of 1x1x?x?"), "\(open.error)")
    for shape in ["1,1,28,28", "\(input)=1,1,28,28"] {
      let run = try lowrank("compress", path, "-o", out, "--macs", "0.5", "--input-shape", shape)
      #expect(run.status == 0 && run.output.contains("0.50"), "\(run.error)")
    }
    let inputs = Vectors.example("test_images.npy")
    let seen = try lowrank(
      "compress", path, "-o", out, "--macs", "0.5", "--calibrate", inputs, "--samples", "8")
    #expect(seen.status == 0 && seen.output.contains("0.50"), "\(seen.error)")
    let other = try lowrank("compress", path, "-o", out, "--macs", "0.5", "--input-shape", "1,3,28,28")
    #expect(other.status == 1 && other.error.contains("only what is ? there"), "\(other.error)")
    let wrong = try lowrank("compress", path, "-o", out, "--input-shape", "other=1,1,28,28")
    #expect(wrong.status == 1 && wrong.error.contains("'\(input)'"), "\(wrong.error)")
    let twice = try lowrank("compress", path, "-o", out, "--input-shape", "1,1,28,28", "--input-shape", "1,1")
    #expect(twice.status == 1 && twice.error.contains("more often"), "\(twice.error)")
  }

  @Test func inputsAllAlikeAreNoCalibration() throws {
    let folder = try TemporaryFolder()
    try NPYFile.write(.float(Tensor(shape: [9, 1, 28, 28], repeating: 0.5)), to: folder.path("x.npy"))
    let run = try lowrank(
      "compress", mnist, "-o", folder.path("out.onnx"), "--macs", "0.5", "--calibrate", folder.path("x.npy"))
    #expect(run.status == 1 && run.error.contains("all 9 inputs are the same one"), "\(run.error)")
    #expect(try folder.names == ["x.npy"])
  }

  @Test func wrongInputIsOneAndLeavesNothing() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(Data("rubbish".utf8), to: folder.path("bad"))
    let (bad, out) = (folder.path("bad"), folder.path("out"))
    for arguments in [
      ["inspect", bad], ["inspect", folder.path("missing")], ["inspect", folder.path],
      ["compress", bad, "-o", out], ["compress", mnist, "-o", folder.path("no/out")],
      ["compress", mnist, "-o", folder.path],
      ["compress", mnist, "-o", out, "--json", folder.path("no/r.json")],
      ["compress", mnist, "-o", out, "--input-shape", "nobody=1,2"],
      ["decompose", bad, "-o", out, "--method", "svd", "--ranks", "1"],
      ["decompose", Vectors.path("npy-f4-c-2d.npy"), "-o", out, "--method", "svd", "--ranks", "4"],
      ["decompose", Vectors.path("npy-f4-c-1d.npy"), "-o", out, "--method", "svd", "--ranks", "1"],
      ["reconstruct", bad, "-o", out], ["bench", "decompose", bad, "--method", "svd", "--ranks", "1"],
    ] {
      let run = try lowrank(arguments)
      #expect(run.status == 1, "\(arguments): \(run.status)")
      #expect(
        run.error.contains(folder.path) || run.error.contains("mnist.onnx") || run.error.contains("npy-"))
    }
    #expect(try folder.names == ["bad"])
  }

  /// A row of one output cannot be shared, and the result says so.
  @Test func benchmarksReportTheThreadsThatRan() throws {
    for (layer, asked, ran) in [("4,4,1,1,5,1,0", 8, 1), ("8,8,3,16,16,1,1", 2, 2)] {
      let run = try lowrank(
        "bench", "conv", "--layer", layer, "--form", "dense", "--threads", "\(asked)", "--reps", "5", "--json"
      )
      #expect(try json(run.output)["threads"] as? Int == ran, "\(layer): \(run.error)")
    }
  }

  @Test func theMachineComputesRightly() throws {
    let run = try lowrank("selftest", "--json")
    #expect(run.status == 0, "\(run.output)")
    let report = try json(run.output)
    #expect(report["failures"] as? Int == 0)
    #expect((report["checks"] as? [Any] ?? []).count > 100)
  }

  @Test func versionNamesTheBLAS() throws {
    let report = try json(try lowrank("version", "--json").output)
    #expect((report["blas"] as? String)?.contains("OpenBLAS") == true)
    #expect((report["blasThreads"] as? Int ?? 0) >= 1)
  }
}
