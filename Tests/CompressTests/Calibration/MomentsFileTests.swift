import Decompose
import Foundation
import ModelGraph
import Network
import ONNX
import TensorFiles
import Tensors
import TestSupport
import Testing

@testable import Compress

/// Moments in files: parts add up to the whole, to the bit, and what does not fit together is refused in words.
@Suite struct MomentsFileTests {
  private static let images = CalibrationModel.images(23)

  /// Writes the moments of some of the images.
  @discardableResult
  private static func write(
    _ samples: Range<Int>, of model: ModelGraph, to path: String, sampling: String = "as they are",
    layers: String? = nil, threads: Int = 2, total: Int = 23
  ) throws -> (layers: Int, positions: Int) {
    var options = CompressionOptions()
    options.layers = layers
    options.threads = threads
    var files = FileTransaction()
    let own = try CalibrationSamples(Array(images[samples]), first: samples.lowerBound, total: total)
    let seen = try model.writeMoments(of: own, sampling: sampling, options, to: path, in: &files)
    try files.commit()
    return seen
  }

  private static func compress(
    _ model: ModelGraph, _ paths: [String]
  ) throws -> (model: ModelGraph, report: CompressionReport) {
    let seen = try MomentsCalibration(
      model, CalibrationModel.options(0.5), MomentsSet(paths, of: model))
    var model = model
    var report = try model.compress(ModelCandidates(model, seen.options))
    report.calibration = seen.report
    return (model, report)
  }

  /// However the images are cut, by samples or by layers, on however many threads, the compressed model is the same to the bit.
  @Test func partsMakeTheSameModel() throws {
    let folder = try TemporaryFolder()
    let model = try CalibrationModel().model
    func path(_ name: String) -> String { folder.path("\(name).safetensors") }
    try Self.write(0..<23, of: model, to: path("whole"))
    let whole = try Self.compress(model, [path("whole")])
    #expect(whole.report.layers.contains { $0.isFactored && ($0.heldOutError ?? 0) > 0 })
    #expect(whole.report.calibration?.samples == 19 && whole.report.calibration?.heldOut == 4)
    #expect(try #require(whole.report.calibration).notWeighed == nil)
    for (number, cuts) in [[0, 7, 15, 23], [0, 1, 22, 23], [0, 11, 23]].enumerated() {
      var parts: [String] = []
      for (from, to) in zip(cuts, cuts.dropFirst()) {
        parts.append(path("\(number)-\(from)"))
        try Self.write(from..<to, of: model, to: parts.last ?? "", threads: 1 + number)
      }
      let made = try Self.compress(model, parts.reversed())
      #expect(made.model == whole.model)
      #expect(made.report.allocation?.squaredError == whole.report.allocation?.squaredError)
    }
    try Self.write(0..<23, of: model, to: path("head"), layers: "conv1|conv3|scores|map")
    try Self.write(0..<9, of: model, to: path("tail-a"), layers: "conv2")
    try Self.write(9..<23, of: model, to: path("tail-b"), layers: "conv2")
    let made = try Self.compress(model, [path("tail-b"), path("head"), path("tail-a")])
    #expect(made.model == whole.model)
  }

  /// The sums are those that calibration in one process makes, to the digits that are kept.
  @Test func sumsAreThoseOfOneProcess() throws {
    let folder = try TemporaryFolder()
    let model = try CalibrationModel().model
    let path = folder.path("whole.safetensors")
    try Self.write(0..<23, of: model, to: path)
    let set = try MomentsSet([path], of: model)
    let layer = try #require(try model.layers().first)
    let reading = try LayerReading(layer, model)
    let samples = try CalibrationSamples(Self.images)
    let dense = try CalibrationPiece(model.piece(of: [layer.node], making: [reading.output]), threads: 1)
    var collector = MomentsCollector(reading, samples, threads: 1)
    for (sample, made) in try dense.run(Self.images).enumerated() {
      let isRead = collector.add(
        sample: sample, input: Self.images[sample]["x"], response: made[reading.output])
      #expect(isRead)
    }
    let expected = collector.finish().moments
    let found = try #require(try set.layer(reading)?.moments)
    for (a, b) in zip(found.groups, expected.groups) {
      for (a, b) in [(a.fitted, b.fitted), (a.heldOut, b.heldOut)] {
        #expect(a.count == b.count && a.count > 0)
        for (a, b) in [(a.patchGram, b.patchGram), (a.crossGram, b.crossGram)] {
          let largest = b.elements.map(abs).max() ?? 0
          for (x, y) in zip(a.elements, b.elements) { #expect(abs(x - y) <= largest * 23 * 0x1p-36) }
        }
      }
    }
  }

  /// With the second pass over images at hand the fit is that of the compressed network's inputs.
  @Test func imagesAtHandMakeItAsymmetric() throws {
    let folder = try TemporaryFolder()
    var model = try CalibrationModel().model
    let path = folder.path("whole.safetensors")
    try Self.write(0..<23, of: model, to: path)
    let seen = try MomentsCalibration(model, CalibrationModel.options(0.5), MomentsSet([path], of: model))
    let candidates = try ModelCandidates(model, seen.options)
    let calibration = try seen.asymmetric(model, CalibrationSamples(Self.images))
    let report = try model.compress(candidates, calibration: calibration)
    #expect(report.calibration?.fit == "asymmetric")
    // Nearer than the network that the same budget gives without data, or that one would have been taken.
    let outputs = try #require(report.calibration?.outputs)
    for output in outputs { #expect(output.relativeError < (try #require(output.uncalibratedError))) }
    #expect(report.layers.contains { $0.isFactored && $0.heldOutError != nil })
  }

  /// What does not belong together, and bytes that are no moments, are errors that name the file and what to do.
  @Test func whatDoesNotFitIsNamed() throws {
    let folder = try TemporaryFolder()
    let model = try CalibrationModel().model
    func path(_ name: String) -> String { folder.path(name) }
    try Self.write(0..<9, of: model, to: path("a"))
    try Self.write(9..<23, of: model, to: path("b"))
    try Self.write(8..<23, of: model, to: path("overlaps"))
    try Self.write(9..<22, of: model, to: path("short"))
    try Self.write(9..<23, of: model, to: path("other"), sampling: "resized")
    try Self.write(9..<23, of: model, to: path("more"), total: 40)
    func error(_ names: [String], of model: ModelGraph) -> String {
      do {
        let set = try MomentsSet(names.map(path), of: model)
        _ = try MomentsCalibration(model, CalibrationModel.options(0.5), set)
        return ""
      } catch { return "\(error)" }
    }
    #expect(error(["a", "b"], of: model) == "")
    #expect(error(["a", "overlaps"], of: model).contains("overlaps: its inputs 8..22 overlap with those of"))
    #expect(error(["a", "a", "b"], of: model).contains("overlap"))
    #expect(error(["a", "short"], of: model).contains("short: inputs 22 of 23 are in no file"))
    #expect(error(["b"], of: model).contains("inputs 0..8 of 23 are in no file"))
    #expect(error(["a", "other"], of: model).contains("other: it was not made as"))
    #expect(error(["a", "more"], of: model).contains("more: it was not made as"))
    let changed = try CalibrationModel(seed: 2).model
    #expect(error(["a", "b"], of: changed).contains("a: these are moments of another model"))
  }

  /// Cut files, and files with single bytes or tensors changed, are refused or read, never trapped on.
  @Test func brokenFilesAreRefused() throws {
    let folder = try TemporaryFolder()
    let model = try CalibrationModel().model
    let path = folder.path("whole.safetensors")
    try Self.write(0..<23, of: model, to: path)
    let bytes = try ByteView(ofFile: path).bytes()
    #expect(try MomentsFile(ByteView(bytes), path: "x").validate().count == 5)
    for count in [0, 7, 8, 100, bytes.count / 2, bytes.count - 1] {
      #expect(throws: FileError.self) { try MomentsFile(ByteView(Array(bytes[..<count])), path: "x") }
    }
    var file = try SafetensorsFile(contentsOf: path)
    func refused(_ change: (inout SafetensorsFile) -> Void) -> String {
      var changed = file
      change(&changed)
      do {
        _ = try MomentsFile(ByteView([UInt8](changed.data)), path: "x").validate()
        return "read"
      } catch { return "\(error)" }
    }
    func set(_ name: String, _ place: Int, _ value: Double) -> (inout SafetensorsFile) -> Void {
      { file in
        guard case .double(var tensor)? = file.tensors[name]?.tensor else { return }
        tensor.withMutableSpan { $0[place] = value }
        file.tensors[name] = .init(.double(tensor))
      }
    }
    #expect(refused { _ in } == "read")
    #expect(refused(set("0.0.fitted.gram", 3, .nan)).contains("no sums"))
    #expect(refused(set("0.0.fitted.gram", 3, 0.5)).contains("no sums"))
    #expect(refused(set("0.0.fitted.about", 0, -1)).contains("counts"))
    #expect(refused(set("0.0.fitted.about", 2, 1e9)).contains("no sums"))
    #expect(refused(set("0.probe", 0, .infinity)).contains("no probe"))
    #expect(refused(set("0.probe", 2, 0x1p61)).contains("no probe"))
    #expect(refused(set("0.probe", 3, 0x1p61)).contains("no probe"))
    #expect(refused(set("0.0.fitted.about", 0, 0x1p52)).contains("counts"))
    #expect(refused(set("0.answers", 0, 0x1p52)).contains("row 0 of the tensor '0.answers'"))
    #expect(refused(set("0.0.outputs.1", 3, 0.5)).contains("no sums"))
    #expect(refused(set("0.0.outputs.error", 0, 0x1p60)).contains("no sums"))
    #expect(refused(set("0.0.outputs.about", 1, 21)).contains("no sums"))
    #expect(refused(set("0.answers", 7, -1)).contains("row 1 of the tensor '0.answers'"))
    #expect(refused(set("0.answers", 5, .nan)).contains("row 0 of the tensor '0.answers'"))
    #expect(refused { $0.tensors["0.0.outputs.0"] = nil }.contains("'0.0.outputs.0' is missing"))
    #expect(
      refused { $0.tensors["0.answers"] = .init(.double(Tensor(shape: [2, 6]))) }.contains("'0.answers' has"))
    #expect(refused { $0.metadata["outputs"] = "1" }.contains(".answers' has the extents"))
    #expect(refused { $0.metadata["outputs"] = "0" }.contains("do not say what"))
    #expect(refused { $0.metadata["outputs"] = "4611686018427387904" }.contains("promise"))
    #expect(refused { $0.metadata["unweighed"] = "so" }.contains("no layer's sums"))
    #expect(refused { $0.tensors["0.0.fitted.gram"] = nil }.contains("missing"))
    #expect(refused { $0.tensors["stray"] = .init(.double(Tensor(shape: [1]))) }.contains("no layer"))
    #expect(refused { $0.tensors["0.x"] = .init(.double(Tensor(shape: [1]))) }.contains("no layer's sums"))
    #expect(refused { $0.metadata["count"] = "99999999999999999999" }.contains("no part"))
    #expect(refused { $0.metadata["total"] = "9223372036854775807" }.contains("no part"))
    #expect(refused { $0.metadata["format"] = nil }.contains("no moments file"))
    file.metadata["first"] = "1"
    #expect(refused { _ in }.contains("no part"))
  }

  /// A file that changes between the choice of forms and the fit is an error, and no layer that is kept for it.
  @Test func filesThatChangeMeanwhileAreErrors() throws {
    let folder = try TemporaryFolder()
    var model = try CalibrationModel().model
    let path = folder.path("whole.safetensors")
    try Self.write(0..<23, of: model, to: path)
    let seen = try MomentsCalibration(model, CalibrationModel.options(0.5), MomentsSet([path], of: model))
    let candidates = try ModelCandidates(model, seen.options)
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.truncate(atOffset: 4096)
    let before = model
    #expect {
      try model.compress(candidates)
    } throws: {
      "\($0)".contains("another program changed it")
    }
    #expect(model == before)
  }
}
