import Compress
import Foundation
import ModelGraph
import ONNX
import TensorFiles
import Tensors
import TestSupport
import Testing

@Suite struct CompressionTests {
  private func compressed(
    _ path: String, _ change: (inout CompressionOptions) -> Void
  ) throws -> (report: CompressionReport, data: Data) {
    var options = CompressionOptions()
    change(&options)
    var model = try ModelGraph(onnx: path)
    let report = try model.compress(options)
    let folder = try TemporaryFolder()
    try model.saveONNX(to: folder.path("out.onnx"))
    return (report, try FileReader.bytes(ofFile: folder.path("out.onnx")))
  }

  private let mnist = Vectors.example("mnist.onnx")

  @Test func theExampleHalvesItsMultiplies() throws {
    let (report, data) = try compressed(mnist) { $0.criterion = .error(0.3) }
    #expect(report.model.macsAfter < report.model.macsBefore / 2)
    #expect(report.model.paramsAfter < report.model.paramsBefore / 2)
    #expect(data.count < report.model.bytesBefore / 2)
    for layer in report.layers where layer.reason == nil {
      #expect(layer.relativeError <= 0.3)
      #expect(layer.relativeError <= layer.errorBound)
      #expect(layer.foldedBatchNormalization == (layer.op == "Conv"))
    }
    #expect(report.layers.contains { $0.op == "Conv" && $0.reason == nil })
    #expect(report.layers.contains { $0.method == "svd" })
  }

  @Test func theResultDoesNotDependOnTheThreads() throws {
    let one = try compressed(mnist) { $0.threads = 1 }
    let two = try compressed(mnist) { $0.threads = 2 }
    #expect(one.data == two.data)
  }

  /// The weights and multiplies that the report promises are those of the model written, counted anew from its nodes.
  @Test(arguments: CompressionMethod.all.filter { $0 != .auto })
  func countsAreThoseOfTheModelWritten(method: CompressionMethod) throws {
    let (report, data) = try compressed(mnist) {
      $0.method = method
      $0.criterion = .ranksRatio(0.2)
    }
    let folder = try TemporaryFolder()
    try AtomicFile.write(data, to: folder.path("small.onnx"))
    let small = try ModelGraph(onnx: folder.path("small.onnx"))
    var keep = CompressionOptions()
    keep.skip = "."
    let recount = try small.inspect(keep).model
    #expect(recount.params == report.model.paramsAfter)
    #expect(recount.macs == report.model.macsAfter)
    #expect(report.model.paramsAfter < report.model.paramsBefore)
  }

  @Test func noErrorMeansNoChange() throws {
    let (report, data) = try compressed(mnist) { $0.criterion = .error(0) }
    #expect(report.layers.allSatisfy { $0.method == "keep" && $0.reason != nil })
    #expect(try FileReader.bytes(ofFile: mnist) == data)
  }

  /// Also where a form without error would be cheaper: kernels of zeros, in front of a BatchNormalization or not, and of
  /// exact low rank.
  @Test(arguments: CompressionMethod.all)
  func noErrorMeansNoChangeOfKernelsWithoutError(method: CompressionMethod) throws {
    var builder = ModelBuilder()
    builder.addConvolution("zero", Tensor(shape: [32, 16, 3, 3]))
    builder.addConvolution("folded", Tensor(shape: [32, 16, 3, 3]), scale: Array(repeating: 2, count: 32))
    builder.addConvolution("one", Tensor(shape: [32, 16, 3, 3], repeating: 1))
    builder.addConvolution(
      "off", Tensor(shape: [32, 16, 3, 3], repeating: 1), scale: Array(repeating: 0, count: 32))
    builder.addMatrix("matrix", Tensor(shape: [64, 64]))
    let folder = try TemporaryFolder()
    try builder.model().saveONNX(to: folder.path("in.onnx"))
    let (report, data) = try compressed(folder.path("in.onnx")) {
      ($0.criterion, $0.method) = (.error(0), method)
    }
    #expect(report.layers.allSatisfy { $0.method == "keep" && $0.reason != nil })
    #expect(try FileReader.bytes(ofFile: folder.path("in.onnx")) == data)
  }

  @Test(
    arguments: [
      RankCriterion.energy(0.9), .ranksRatio(0.3), .error(0.4), .macsRatio(0.5), .paramsRatio(0.5),
    ],
    CompressionMethod.all)
  func everyCriterionGoesWithEveryForm(criterion: RankCriterion, method: CompressionMethod) throws {
    let (report, _) = try compressed(mnist) {
      $0.criterion = criterion
      $0.method = method
      // Of the larger layers CP takes its time, and says no more than of these: one input, more outputs than inputs, a
      // matrix.
      $0.layers = "/conv[12]/|/hidden/"
    }
    let methods = Set(report.layers.map(\.method))
    #expect(methods.contains("keep") && methods.count > 1)
    if method != .auto {
      #expect(methods.allSatisfy { $0 == "keep" || $0.hasPrefix(method.name) })
    }
  }

  @Test func variationalBayesChoosesRanks() throws {
    let (full, _) = try compressed(mnist) { $0.criterion = .evbmf(1) }
    let (half, _) = try compressed(mnist) { $0.criterion = .evbmf(0.5) }
    #expect(full.layers.contains { $0.reason == nil })
    #expect(full.model.macsAfter < half.model.macsAfter)
  }

  @Test(arguments: [0.3, 0.6])
  func ratiosHoldForEachLayer(ratio: Double) throws {
    let (report, _) = try compressed(mnist) { $0.criterion = .macsRatio(ratio) }
    let factored = report.layers.filter { $0.reason == nil }
    #expect(factored.count >= 5)
    for layer in factored {
      #expect(Double(try #require(layer.macsAfter)) <= ratio * Double(try #require(layer.macsBefore)))
    }
  }

  @Test func layersAreChosenByName() throws {
    let (report, _) = try compressed(mnist) {
      $0.layers = "conv[2-4]"
      $0.skip = "conv3"
    }
    let factored = report.layers.filter { $0.reason == nil }.map(\.name)
    #expect(factored == ["/conv2/Conv", "/conv4/Conv"])
    #expect(throws: CompressError.self) { try compressed(mnist) { $0.layers = "(" } }
  }

  @Test func ranksAreMultiples() throws {
    let (report, _) = try compressed(mnist) { $0.rankMultiple = 16 }
    for layer in report.layers where layer.reason == nil && layer.op == "Conv" {
      #expect(zip(layer.ranks, layer.kernelShape).allSatisfy { $0 % 16 == 0 || $0 == $1 })
    }
  }

  /// Half precision: the error is that of the factors as they are stored, and within what was asked for.
  @Test(arguments: ["conv-float16", "conv-bfloat16"], [0.3, 0.01])
  func halfPrecisionIsCounted(name: String, limit: Double) throws {
    let (report, _) = try compressed(Vectors.path("\(name).onnx")) {
      $0.criterion = .error(limit)
      $0.rankMultiple = 1
    }
    let layer = try #require(report.layers.first)
    #expect(layer.method == "tucker2")
    #expect(layer.relativeError <= limit)
    // A bfloat16 has 8 bits: rounding alone is of this size.
    if name == "conv-bfloat16" { #expect(layer.relativeError > 0x1p-10) }
  }

  @Test func weightsThatAreNotFiniteAreKept() throws {
    let folder = try TemporaryFolder()
    var data = try FileReader.bytes(ofFile: Vectors.path("conv2d.onnx"))
    // The weight is the longest run of the file; a NaN in its middle.
    let middle = data.count / 2 / 4 * 4
    for place in middle..<(middle + 16) { data[place] = 0xFF }
    try AtomicFile.write(data, to: folder.path("nan.onnx"))
    let (report, _) = try compressed(folder.path("nan.onnx")) { _ in }
    #expect(report.layers[0].reason?.contains("NaN") == true)
  }

  /// A pattern that matches no layer is a slip of the pen: nothing would be factored, or nothing kept.
  @Test(arguments: ["nosuch", "^conv1$"])
  func patternsThatMatchNothingAreNamed(pattern: String) throws {
    for change: (inout CompressionOptions) -> Void in [{ $0.layers = pattern }, { $0.skip = pattern }] {
      var options = CompressionOptions()
      change(&options)
      let option = options.layers == nil ? "skip" : "layers"
      let named: (any Error) -> Bool = { error in
        let text = "\(error)"
        return text.hasPrefix(option) && text.contains("'\(pattern)'") && text.contains("'/conv1/Conv'")
      }
      var model = try ModelGraph(onnx: mnist)
      #expect { try model.compress(options) } throws: { named($0) }
      #expect { try model.inspect(options) } throws: { named($0) }
      options.budget = .multiplies(0.5)
      #expect { try model.compress(options) } throws: { named($0) }
      #expect { try ModelCandidates(model, options) } throws: { named($0) }
    }
  }
}
