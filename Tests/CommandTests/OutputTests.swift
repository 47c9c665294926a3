import Foundation
import TensorFiles
import Tensors
import TestSupport
import Testing

/// All outputs of a command appear together or not at all, none over another or over an input, and none is lost in
/// silence.
@Suite struct OutputTests {
  private let mnist = Vectors.example("mnist.onnx")
  /// A folder with a model, `in.onnx`, and a kernel, `k.npy`.
  private let folder: TemporaryFolder
  private let names = ["in.onnx", "k.npy"]

  init() throws {
    folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: mnist, toPath: folder.path("in.onnx"))
    var generator = SeededGenerator(seed: 73)
    try NPYFile.write(.float(.decayingKernel([6, 5, 3, 3], using: &generator)), to: folder.path("k.npy"))
  }

  private func compress(_ rest: String...) -> [String] {
    ["compress", folder.path("in.onnx"), "--method", "svd"] + rest
  }

  private func decompose(to output: String) -> [String] {
    ["decompose", folder.path("k.npy"), "-o", output, "--method", "channel", "--ranks", "2", "--json"]
  }

  /// Expects that a command is wrong usage, that it says so of a file, and that nothing has changed.
  private func refused(
    _ arguments: [String], naming name: String, _ location: SourceLocation = #_sourceLocation
  )
    throws
  {
    let before = try folder.names.map { try Data(contentsOf: URL(fileURLWithPath: folder.path($0))) }
    let names = try folder.names
    let run = try lowrank(arguments)
    #expect(run.status == 64, "\(arguments): \(run.status)", sourceLocation: location)
    #expect(run.output.isEmpty && run.error.contains(name), "\(run.error)", sourceLocation: location)
    #expect(try folder.names == names, sourceLocation: location)
    let after = try names.map { try Data(contentsOf: URL(fileURLWithPath: folder.path($0))) }
    #expect(after == before, sourceLocation: location)
  }

  @Test func anOutputOverAnInputIsRefused() throws {
    let (input, output) = (folder.path("in.onnx"), folder.path("o.onnx"))
    try refused(compress("-o", input), naming: "in.onnx")
    try refused(compress("-o", output, "--json", input), naming: "in.onnx")
    try refused(compress("-o", output, "--report", input), naming: "in.onnx")
    try refused(compress("-o", output, "--json", "\(folder.path)/./in.onnx"), naming: "in.onnx")
    try refused(compress("--sweep", "0.5", "--json", input), naming: "in.onnx")
    try refused(decompose(to: folder.path("k.npy")), naming: "k.npy")
    #expect(try lowrank(decompose(to: folder.path("f.safetensors"))).status == 0)
    let factors = folder.path("f.safetensors")
    try refused(["reconstruct", factors, "-o", factors], naming: "f.safetensors")
    try Data("{\"/conv1/Conv\": 2}".utf8).write(to: URL(fileURLWithPath: folder.path("s.json")))
    try refused(
      compress(
        "--macs", "0.9", "-o", output, "--sensitivities", folder.path("s.json"), "--json",
        folder.path("s.json")),
      naming: "s.json")
  }

  @Test func linksToAnInputAreRefused() throws {
    let (input, output) = (folder.path("in.onnx"), folder.path("o.onnx"))
    let files = FileManager.default
    try files.createSymbolicLink(atPath: folder.path("symbolic"), withDestinationPath: "in.onnx")
    try files.linkItem(atPath: input, toPath: folder.path("hard"))
    try files.createSymbolicLink(atPath: folder.path("up"), withDestinationPath: folder.path)
    for path in [
      "symbolic", "hard", "up/in.onnx", "up/../\(folder.path.split(separator: "/").last ?? "")/hard",
    ] {
      let run = try lowrank(compress("-o", output, "--json", "\(folder.path)/\(path)"))
      #expect(run.status == 64 && run.error.contains("in.onnx"), "\(path): \(run.error)")
      let same = try lowrank(compress("-o", "\(folder.path)/\(path)"))
      #expect(same.status == 64 && same.error.contains("in.onnx"), "\(path): \(same.error)")
    }
    #expect(files.contentsEqual(atPath: input, andPath: mnist))
    #expect(!files.fileExists(atPath: output))
  }

  @Test func oneOutputOverAnotherIsRefused() throws {
    let output = folder.path("a.onnx")
    try FileManager.default.createSymbolicLink(atPath: folder.path("up"), withDestinationPath: folder.path)
    for other in ["a.onnx", "./a.onnx", "up/a.onnx", "a.onnx.data"] {
      for option in ["--json", "--report"] {
        let run = try lowrank(compress("-o", output, option, "\(folder.path)/\(other)"))
        #expect(run.status == 64 && run.error.contains("a.onnx"), "\(option) \(other): \(run.error)")
      }
    }
    let page = folder.path("x")
    let run = try lowrank(compress("-o", output, "--json", page, "--report", page))
    #expect(run.status == 64 && run.error.contains("--report"))
    #expect(try folder.names == names + ["up"])
  }

  /// A model whose weights lie beside it, in a file that an output would be written over.
  @Test func externalDataIsNotWrittenOver() throws {
    let (model, weights) = (folder.path("conv-external.onnx"), folder.path("conv-external.weights.bin"))
    for name in ["conv-external.onnx", "conv-external.weights.bin", "conv-external.biases.bin"] {
      try FileManager.default.copyItem(atPath: Vectors.path(name), toPath: folder.path(name))
    }
    for arguments in [
      ["-o", weights], ["-o", folder.path("o.onnx"), "--json", weights],
      ["-o", folder.path("o.onnx"), "--report", weights], ["--sweep", "0.5", "--json", weights],
    ] {
      try refused(["compress", model] + arguments, naming: "weights.bin")
    }
    let link = folder.path("link.onnx.data")
    try FileManager.default.linkItem(atPath: weights, toPath: link)
    try refused(["compress", model, "-o", folder.path("link.onnx")], naming: "link.onnx.data")
    let appended = try lowrank(["inspect", model], output: weights)
    #expect(appended.status == 64 && appended.error.contains("weights.bin"))
    #expect(
      FileManager.default.contentsEqual(atPath: weights, andPath: Vectors.path("conv-external.weights.bin")))
  }

  @Test func standardOutputInAFileThatIsReadOrWrittenIsRefused() throws {
    let files = FileManager.default
    let log = folder.path("log")
    #expect(files.createFile(atPath: log, contents: Data()))
    for arguments in [
      compress("-o", log), compress("-o", folder.path("o.onnx"), "--json", log), decompose(to: log),
      ["inspect", folder.path("in.onnx")], compress("-o", folder.path("o.onnx")),
    ] {
      let path = arguments.contains(log) ? log : folder.path("in.onnx")
      let run = try lowrank(arguments, output: path)
      #expect(run.status == 64 && run.error.contains("standard output"), "\(arguments): \(run.error)")
    }
    #expect(files.contentsEqual(atPath: folder.path("in.onnx"), andPath: mnist))
    #expect(try Data(contentsOf: URL(fileURLWithPath: log)).isEmpty)
  }

  @Test func aFullStandardOutputIsAnErrorAndLeavesNothing() throws {
    let (input, kernel) = (folder.path("in.onnx"), folder.path("k.npy"))
    for arguments in [
      ["inspect", input], ["inspect", input, "--json"], ["version"], ["version", "--json"], ["selftest"],
      ["--version"], ["--help"], ["compress", "--help"], ["--generate-completion-script", "bash"],
      ["bench", "conv", "--layer", "8,8,3,10,10,1,1", "--form", "dense", "--reps", "5"],
      ["bench", "decompose", kernel, "--method", "channel", "--ranks", "2", "--json"],
      compress("-o", folder.path("o.onnx")), compress("-o", folder.path("o.onnx"), "--json"),
      compress(
        "-o", folder.path("o.onnx"), "--json", folder.path("r.json"), "--report", folder.path("r.html")),
      compress("--sweep", "0.9", "--json", folder.path("r.json")), compress("--sweep", "0.9", "--json"),
      decompose(to: folder.path("f.safetensors")),
    ] {
      let run = try lowrank(arguments, output: "/dev/full")
      #expect(run.status == 1, "\(arguments): \(run.status)")
      #expect(run.error.contains("standard output"), "\(arguments): \(run.error)")
    }
    #expect(try folder.names == names)
    #expect(try lowrank(decompose(to: folder.path("f.safetensors"))).status == 0)
    let run = try lowrank(
      ["reconstruct", folder.path("f.safetensors"), "-o", folder.path("r.npy")], output: "/dev/full")
    #expect(run.status == 1 && !run.error.isEmpty)
    #expect(try folder.names == ["f.safetensors"] + names)
  }

  /// A closed standard output must not become the descriptor of a file that is written.
  @Test func aClosedStandardOutputIsAnErrorAndLeavesNothing() throws {
    for end in [">&-", "| true"] {
      // A pipe's status is that of its last command: the first one's is kept in a file.
      let script = "{ \"$lowrank\" compress in.onnx -o o.onnx --method svd --json; echo $? >status; } \(end)"
      let run = try shell("\(script); grep -qx 1 status && rm status", in: folder.path)
      #expect(run.status == 0 && run.error.contains("standard output"), "\(end): \(run.error)")
      #expect(try folder.names == names, "\(end)")
    }
  }

  @Test func whereOneFileCannotBeWrittenNoneIs() throws {
    let output = folder.path("e.onnx")
    for failing in [["--json", "/dev/full"], ["--report", "/dev/full"]] {
      let run = try lowrank(compress("-o", output) + failing)
      #expect(run.status == 1 && run.error.contains("/dev/full"), "\(run.error)")
      #expect(run.output.isEmpty)
      #expect(try folder.names == names)
    }
    // What was there before is still there.
    try Data("old".utf8).write(to: URL(fileURLWithPath: output))
    #expect(try lowrank(compress("-o", output, "--report", "/dev/full")).status == 1)
    #expect(try String(contentsOfFile: output, encoding: .utf8) == "old")
    #expect(try folder.names == ["e.onnx"] + names)
  }

  @Test func aDashIsNoNameOfAFile() throws {
    for arguments in [
      compress("-o", "-"), compress("-o", folder.path("o.onnx"), "--report", "-"), decompose(to: "-"),
      ["reconstruct", folder.path("k.npy"), "-o", "-"],
    ] {
      try refused(arguments, naming: "standard output")
    }
    #expect(!FileManager.default.fileExists(atPath: "-"))
    // The one option that prints, as if it had no name.
    let run = try lowrank(compress("-o", folder.path("o.onnx"), "--json", "-"))
    #expect(run.status == 0)
    #expect(try json(run.output)["layers"] != nil)
  }

  @Test func aSweepWritesNoModelAndSaysSo() throws {
    try refused(compress("--sweep", "0.5", "-o", folder.path("k.onnx")), naming: "--sweep")
  }
}
