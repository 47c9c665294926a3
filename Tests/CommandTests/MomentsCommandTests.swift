import Foundation
import ONNX
import TensorFiles
import Tensors
import TestSupport
import Testing

/// `lowrank moments` and `compress --moments`.
@Suite struct MomentsCommandTests {
  private static let model = Vectors.path("conv-bn.onnx")

  /// Images for that model: its own input, and some of noise about it.
  private static func images(_ folder: TemporaryFolder, count: Int) throws -> String {
    let one = try NPYFile(contentsOf: Vectors.path("conv-bn.input.npy"))
    let own: Tensor<Float> = one.tensor.converted()
    let image = Array(own.elements[..<(own.count / own.shape[0])])
    var generator = SeededGenerator(seed: 4)
    var elements: [Float] = []
    for _ in 0..<count {
      elements += zip(image, generator.tensor([image.count], of: Float.self).elements).map(+)
    }
    let path = folder.path("images.npy")
    let shape = Shape([count] + own.shape.extents.dropFirst())
    try NPYFile.write(.float(Tensor(shape: shape, elements: elements)), to: path)
    return path
  }

  @Test func partsAreTheWhole() throws {
    let folder = try TemporaryFolder()
    let images = try Self.images(folder, count: 11)
    func moments(_ name: String, _ options: String...) throws -> String {
      let path = folder.path(name)
      let run = try lowrank(["moments", Self.model, "--images", images, "-o", path] + options)
      #expect(run.status == 0, "\(run.error)")
      return path
    }
    func compressed(_ name: String, _ paths: [String]) throws -> Data {
      let path = folder.path(name)
      let run = try lowrank(
        ["compress", Self.model, "-o", path, "--macs", "0.6", "--rank-multiple", "1", "--moments"] + paths)
      #expect(run.status == 0, "\(run.error)")
      #expect(run.output.contains("moments of the original's inputs"))
      return try Data(contentsOf: URL(fileURLWithPath: path))
    }
    let whole = try compressed("whole.onnx", [moments("whole")])
    let parts = try (1...3).map { try moments("part-\($0)", "--part", "\($0)/3") }
    #expect(try compressed("parts.onnx", parts) == whole)
    let missing = try lowrank(
      ["compress", Self.model, "-o", folder.path("x.onnx"), "--macs", "0.6", "--moments"] + parts.dropLast())
    #expect(missing.status == 1 && missing.error.contains("are in no file for the layer"))
    #expect(!FileManager.default.fileExists(atPath: folder.path("x.onnx")))
  }

  /// A machine that has a part of the images alone says where that lies.
  @Test func aPartOfTheImagesIsPlaced() throws {
    let folder = try TemporaryFolder()
    let images = try Self.images(folder, count: 5)
    let path = folder.path("a")
    let run = try lowrank([
      "moments", Self.model, "--images", images, "-o", path, "--first", "3", "--total", "9",
    ])
    #expect(run.status == 0 && run.output.contains("inputs 3 to 7 of 9"), "\(run.error)")
    let beyond = try lowrank([
      "moments", Self.model, "--images", images, "-o", path, "--first", "5", "--total", "9",
    ])
    #expect(beyond.status == 1 && beyond.error.contains("--first and --total"))
  }

  @Test(arguments: [
    ["--part", "0/2"], ["--part", "3/2"], ["--part", "x"], ["--first", "3"], ["--total", "3"],
    ["--samples", "0"],
    ["--part", "1/2", "--first", "0", "--total", "9"], ["--layers", "("], ["--threads", "0"],
  ])
  func wrongUsageIsRefused(options: [String]) throws {
    let folder = try TemporaryFolder()
    let images = try Self.images(folder, count: 2)
    let run = try lowrank(["moments", Self.model, "--images", images, "-o", folder.path("a")] + options)
    #expect(run.status == 64)
    #expect(!FileManager.default.fileExists(atPath: folder.path("a")))
  }

  @Test func momentsNeedABudget() throws {
    let run = try lowrank("compress", Self.model, "-o", "/dev/null", "--moments", "a", "b")
    #expect(run.status == 64 && run.error.contains("--macs"))
  }
}
