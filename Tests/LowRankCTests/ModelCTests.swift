import CLowRank
import Compress
import Foundation
import LowRankC
import ModelGraph
import Network
import ONNX
import Tensors
import TestSupport
import Testing

/// Model files by the C interface: the same reports and files as by the Swift one.
@Suite struct ModelCTests {
  private func json(_ report: OpaquePointer?) throws -> Data {
    var length = 0
    try require(reportCopy(report, nil, 0, &length))
    var text = [CChar](repeating: 1, count: length + 1)
    try require(reportCopy(report, &text, text.count, nil))
    #expect(text.last == 0)
    #expect(reportDestroy(report) == LOWRANK_OK)
    return Data(text.dropLast().map { UInt8(bitPattern: $0) })
  }

  @Test func inspectReportsWhatSwiftDoes() throws {
    let path = Vectors.path("conv2d.onnx")
    var report: OpaquePointer?
    try require(modelInspect(path, nil, &report))
    let found = try JSONDecoder().decode(InspectionReport.self, from: try json(report))
    let expected = try ModelGraph(onnx: path).inspect(CompressionOptions())
    #expect(found.layers.map(\.kernelShape) == expected.layers.map(\.kernelShape))
    #expect(found.model.macs == expected.model.macs)
  }

  @Test(arguments: [
    (LOWRANK_WEIGHTS_AS_THEY_ARE, WeightStorage.original), (LOWRANK_WEIGHTS_FLOAT16, .float16),
    (LOWRANK_WEIGHTS_INT8, .int8), (LOWRANK_WEIGHTS_AUTO, .auto),
  ])
  func compressWritesWhatSwiftDoes(weights: lowrank_weight_storage, storage: WeightStorage) throws {
    let folder = try TemporaryFolder()
    let path = Vectors.example("mnist.onnx")
    let (mine, swifts) = (folder.path("c.onnx"), folder.path("swift.onnx"))
    var options = lowrank_model_options()
    options.struct_size = MemoryLayout<lowrank_model_options>.size
    options.criterion = LOWRANK_RANKS_RATIO
    options.criterion_value = 0.3
    options.rank_multiple = 1
    options.weights = weights
    var report: OpaquePointer?
    try require(modelCompress(path, mine, &options, &report))
    let found = try JSONDecoder().decode(CompressionReport.self, from: try json(report))
    #expect(found.layers.contains { $0.method != "keep" })
    var compression = CompressionOptions()
    compression.criterion = .ranksRatio(0.3)
    compression.rankMultiple = 1
    compression.weights = storage
    var model = try ModelGraph(onnx: path)
    _ = try model.compress(compression)
    let bytes = try model.saveONNX(to: swifts)
    #expect(bytes == found.model.bytesAfter)
    let (written, expected) = (
      try Data(contentsOf: URL(filePath: mine)), try Data(contentsOf: URL(filePath: swifts))
    )
    #expect(written == expected)
  }

  /// A budget for the whole model, and word of every layer.
  @Test func budgetsAreSharedOutAndProgressIsTold() throws {
    let folder = try TemporaryFolder()
    let path = Vectors.example("mnist.onnx")
    var told: [(done: Int64, total: Int64)] = []
    var options = lowrank_model_options()
    options.struct_size = MemoryLayout<lowrank_model_options>.size
    options.criterion = LOWRANK_MULTIPLIES
    options.criterion_value = 0.5
    options.progress = { context, layer, done, total in
      guard let layer, strlen(layer) > 0 else { return }
      context?.assumingMemoryBound(to: [(done: Int64, total: Int64)].self).pointee.append((done, total))
    }
    var report: OpaquePointer?
    try withUnsafeMutablePointer(to: &told) { told in
      options.progress_context = UnsafeMutableRawPointer(told)
      try require(modelCompress(path, folder.path("half.onnx"), &options, &report))
    }
    let found = try JSONDecoder().decode(CompressionReport.self, from: try json(report))
    #expect(2 * found.model.macsAfter <= found.model.macsBefore)
    #expect(told.count >= found.layers.count && told.contains { $0.done == $0.total })
    options.criterion_value = 0
    #expect(modelCompress(path, folder.path("none.onnx"), &options, &report) == LOWRANK_INVALID_ARGUMENT)
  }

  /// A run of both networks is timed where that is asked for, as the command does, and only there.
  @Test func runsAreTimedOnRequest() throws {
    let folder = try TemporaryFolder()
    var options = lowrank_model_options()
    options.struct_size = MemoryLayout<lowrank_model_options>.size
    options.criterion = LOWRANK_MULTIPLIES
    options.criterion_value = 0.5
    options.threads = 1
    for timed in [Int32(0), 1] {
      options.time_run = timed
      var report: OpaquePointer?
      try require(modelCompress(Vectors.example("mnist.onnx"), folder.path("o.onnx"), &options, &report))
      let found = try JSONDecoder().decode(CompressionReport.self, from: try json(report))
      #expect((found.time?.measuredMs != nil) == (timed == 1) && found.notTimed == nil)
      #expect(found.time?.threads == (timed == 1 ? 1 : nil))
    }
    options.time_run = 2
    var report: OpaquePointer?
    let status = modelCompress(Vectors.example("mnist.onnx"), folder.path("o.onnx"), &options, &report)
    #expect(status == LOWRANK_INVALID_ARGUMENT && report == nil)
    #expect(String(cString: lowrank_last_error()).contains("time_run"))
  }

  /// Layers are fitted to samples as the Swift interface fits them, to the same bytes, and answers are held to.
  @Test(arguments: [0, 0.99]) func samplesAreFittedTo(agreement: Double) throws {
    let folder = try TemporaryFolder()
    let path = Vectors.example("mnist.onnx")
    let images = randomTensor([20, 1, 28, 28], seed: 25)
    var report: OpaquePointer?
    try CSession(borrowing: nil).withArrays([CArray(images)], outputs: []) { arrays, _ in
      var options = lowrank_model_options()
      options.struct_size = MemoryLayout<lowrank_model_options>.size
      options.criterion = LOWRANK_MULTIPLIES
      options.criterion_value = 0.5
      options.threads = 1
      options.samples = arrays[0]
      options.min_agreement = agreement
      try require(modelCompress(path, folder.path("c.onnx"), &options, &report))
    }
    let found = try JSONDecoder().decode(CompressionReport.self, from: try json(report))
    let model = try ModelGraph(onnx: path)
    var options = CompressionOptions()
    options.budget = .multiplies(0.5)
    let samples = try CalibrationSamples(of: model, places: 0..<20) { _, places in
      let elements = places.flatMap { images.elements[($0 * 784)..<(($0 + 1) * 784)] }
      return NetworkTensor(Tensor(shape: [places.count, 1, 28, 28], elements: elements))
    }
    var request = CompressionRequest(options)
    request.calibrate(on: samples, of: model)
    request.minAgreement = agreement > 0 ? agreement : nil
    var swifts = model
    let expected = try swifts.compress(request)
    _ = try swifts.saveONNX(to: folder.path("swift.onnx"))
    #expect(
      found.calibration?.outputs.map(\.relativeError) == expected.calibration?.outputs.map(\.relativeError))
    #expect(found.calibration?.heldOut == 4)
    #expect(
      FileManager.default.contentsEqual(atPath: folder.path("c.onnx"), andPath: folder.path("swift.onnx")))
  }

  /// Milliseconds are a budget here too, and are measured.
  @Test(arguments: [LOWRANK_LATENCY, LOWRANK_MILLISECONDS]) func aTimeIsKeptTo(criterion: lowrank_criterion)
    throws
  {
    let folder = try TemporaryFolder()
    var options = lowrank_model_options()
    options.struct_size = MemoryLayout<lowrank_model_options>.size
    options.criterion = criterion
    options.criterion_value = criterion == LOWRANK_LATENCY ? 0.7 : 1e6
    options.threads = 1
    var report: OpaquePointer?
    try require(modelCompress(Vectors.example("mnist.onnx"), folder.path("o.onnx"), &options, &report))
    let found = try JSONDecoder().decode(CompressionReport.self, from: try json(report))
    #expect(found.time?.measuredMs != nil && found.allocation?.unit == "milliseconds")
    #expect(found.layers.contains { $0.method != "keep" } == (criterion == LOWRANK_LATENCY))
    for wrong in [0, -1, Double.nan, .infinity] + (criterion == LOWRANK_LATENCY ? [1.5] : []) {
      options.criterion_value = wrong
      let status = modelCompress(Vectors.example("mnist.onnx"), folder.path("x.onnx"), &options, &report)
      #expect(status == LOWRANK_INVALID_ARGUMENT, "\(wrong)")
    }
  }

  /// The model that is read, and the files of its external data, are not written over, by whatever path.
  @Test func aModelIsNotWrittenOverItsOwnFiles() throws {
    let folder = try TemporaryFolder()
    let names = ["conv-external.onnx", "conv-external.weights.bin", "conv-external.biases.bin"]
    for name in names {
      try FileManager.default.copyItem(atPath: Vectors.path(name), toPath: folder.path(name))
    }
    try FileManager.default.createSymbolicLink(atPath: folder.path("here"), withDestinationPath: ".")
    try FileManager.default.linkItem(atPath: folder.path(names[1]), toPath: folder.path("o.onnx.data"))
    for output in [names[0], names[1], "./\(names[0])", "here/\(names[0])", "here/\(names[1])", "o.onnx"] {
      var report: OpaquePointer?
      let status = modelCompress(folder.path(names[0]), "\(folder.path)/\(output)", nil, &report)
      #expect(status == LOWRANK_INVALID_ARGUMENT && report == nil, "\(output)")
      #expect(String(cString: lowrank_last_error()).contains("the same file as the input"))
    }
    for name in names {
      #expect(FileManager.default.contentsEqual(atPath: folder.path(name), andPath: Vectors.path(name)))
    }
  }
}
