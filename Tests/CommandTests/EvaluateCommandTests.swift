import Foundation
import TensorFiles
import Tensors
import TestSupport
import Testing

@Suite struct EvaluateCommandTests {
  private let mnist = Vectors.example("mnist.onnx")

  /// The first digits of the example, of which there are fewer than the batch asks for at the end.
  private func digits(_ folder: borrowing TemporaryFolder, count: Int) throws -> [String] {
    let images = try NPYFile(contentsOf: Vectors.example("test_images.npy")).tensor.converted(to: Float.self)
    try NPYFile.write(
      .float(Tensor(shape: [count, 1, 28, 28], elements: Array(images.elements.prefix(784 * count)))),
      to: folder.path("x.npy"))
    guard case .integers(let labels, _, _) = try NPYArray(contentsOf: Vectors.example("test_labels.npy"))
    else {
      return []
    }
    try NPYArray.integers(Array(labels.prefix(count)), shape: [count], type: .uint8).data().write(
      to: URL(fileURLWithPath: folder.path("labels.npy")))
    return ["--images", folder.path("x.npy"), "--labels", folder.path("labels.npy")]
  }

  @Test func accuracyIsTheSameForAnyBatch() throws {
    let folder = try TemporaryFolder()
    let data = try digits(folder, count: 21)
    var reports: [[String: Any]] = []
    for batch in ["1", "8"] {
      let run = try lowrank(["evaluate", mnist] + data + ["--batch", batch, "--top", "1,5", "--json"])
      #expect(run.status == 0, "\(run.error)")
      reports.append(try json(run.output))
    }
    for report in reports {
      #expect(report["images"] as? Int == 21 && report["classes"] as? Int == 10)
      let accuracy = try #require(report["accuracy"] as? [[String: Any]])
      #expect(accuracy.map { $0["top"] as? Int } == [1, 5])
      let top = try #require(accuracy[0]["result"] as? [String: Any])
      // The example's network is right on all of these.
      #expect(top["count"] as? Int == 21 && top["high"] as? Double == 1)
    }
  }

  @Test func aModelAgreesWithItself() throws {
    let folder = try TemporaryFolder()
    let data = try digits(folder, count: 5)
    let run = try lowrank(["evaluate", mnist] + data + ["--against", mnist, "--json"])
    #expect(run.status == 0, "\(run.error)")
    let against = try #require(try json(run.output)["against"] as? [String: Any])
    #expect((against["agreement"] as? [String: Any])?["fraction"] as? Double == 1)
    #expect((against["mcNemar"] as? [String: Any])?["p"] as? Double == 1)
    #expect(against["relativeRMS"] as? Double == 0 && against["largestDifference"] as? Double == 0)
    let unlabelled = try lowrank(["evaluate", mnist] + data.prefix(2) + ["--against", mnist])
    #expect(unlabelled.status == 0 && unlabelled.output.contains("the same class"))
  }

  @Test func mapsHaveNoClasses() throws {
    let folder = try TemporaryFolder()
    let (model, images) = (Vectors.path("conv2d.onnx"), Vectors.path("conv2d.input.npy"))
    let run = try lowrank("evaluate", model, "--images", images, "--against", model, "--json")
    #expect(run.status == 0, "\(run.error)")
    let report = try json(run.output)
    let against = try #require(report["against"] as? [String: Any])
    #expect(report["classes"] == nil && against["agreement"] == nil && against["relativeRMS"] as? Double == 0)
    let text = try lowrank("evaluate", model, "--images", images, "--against", model)
    #expect(text.output.contains("2 images, maps") && !text.output.contains("class"), "\(text.output)")
    try NPYArray.integers([0, 1], shape: [2], type: .uint8).data().write(
      to: URL(fileURLWithPath: folder.path("labels.npy")))
    let labelled = try lowrank("evaluate", model, "--images", images, "--labels", folder.path("labels.npy"))
    #expect(labelled.status == 1 && labelled.error.contains("map"), "\(labelled.error)")
  }

  @Test func imagesWithoutNumbersAreWrong() throws {
    let folder = try TemporaryFolder()
    let data = try digits(folder, count: 2)
    try NPYFile.write(.float(Tensor(shape: [2, 1, 28, 28], repeating: .nan)), to: folder.path("x.npy"))
    let run = try lowrank(["evaluate", mnist] + data + ["--against", mnist, "--json"])
    #expect(run.status == 0, "\(run.error)")
    let accuracy = try #require(try json(run.output)["accuracy"] as? [[String: Any]])
    #expect((accuracy[0]["result"] as? [String: Any])?["count"] as? Int == 0)
  }

  @Test func wrongUsageIsSaid() throws {
    let folder = try TemporaryFolder()
    let data = try digits(folder, count: 3)
    func write(_ labels: [Int], _ name: String) throws -> String {
      try NPYArray.integers(labels, shape: [labels.count], type: .int64).data().write(
        to: URL(fileURLWithPath: folder.path(name)))
      return folder.path(name)
    }
    let images = ["--images", folder.path("x.npy")]
    try NPYFile.write(.float(Tensor(shape: [3], repeating: 1)), to: folder.path("float.npy"))
    let cases: [([String], Int32, String)] = [
      (images, 64, "--labels"), (data + ["--top", "0"], 64, "top"), (data + ["--batch", "0"], 64, "--batch"),
      (images + ["--labels", try write([1, 2], "two.npy")], 1, "2 labels"),
      (images + ["--labels", try write([1, 2, 10], "ten.npy")], 1, "label 2"),
      (images + ["--labels", try write([1, 2, -1], "negative.npy")], 1, "label 2"),
      (images + ["--labels", folder.path("float.npy")], 1, "integers"),
      (["--images", folder.path("none"), "--labels", folder.path("labels.npy")], 1, "none"),
      (["--images", folder.path("."), "--labels", folder.path("labels.npy")], 1, ".png"),
      (data + ["--against", Vectors.path("conv2d.onnx")], 1, "input"),
    ]
    for (arguments, status, word) in cases {
      let run = try lowrank(["evaluate", mnist] + arguments)
      #expect(run.status == status && run.error.contains(word), "\(arguments): \(run.status) \(run.error)")
    }
  }
}
