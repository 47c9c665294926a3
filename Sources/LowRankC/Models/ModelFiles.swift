public import CLowRank
internal import Compress
internal import ModelGraph
internal import ONNX
internal import TensorFiles

/// `lowrank_model_inspect`
#if compiler(>=6.3)
  @c(lowrank_model_inspect)
#else
  @_cdecl("lowrank_model_inspect")
#endif
public func modelInspect(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<lowrank_model_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  guarded("lowrank_model_inspect") { () throws(Failure) in
    let result = try required(result, "result")
    let path = try text(path, atMost: 4095, "path")
    let options = try CompressionOptions(options)
    let model = try readModel(path)
    let report: InspectionReport
    do throws(CompressError) { report = try model.inspect(options) } catch { throw Failure(error) }
    result.pointee = HandleTable.insert(try ReportObject(report))
  }
}

/// `lowrank_model_compress`
#if compiler(>=6.3)
  @c(lowrank_model_compress)
#else
  @_cdecl("lowrank_model_compress")
#endif
public func modelCompress(
  _ path: UnsafePointer<CChar>?, _ outputPath: UnsafePointer<CChar>?,
  _ options: UnsafePointer<lowrank_model_options>?, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  guarded("lowrank_model_compress") { () throws(Failure) in
    let result = try required(result, "result")
    let path = try text(path, atMost: 4095, "path")
    let output = try text(outputPath, atMost: 4095, "output_path")
    let given = options
    let progress = try ProgressCallback(given)
    let timesRun = try CompressionOptions.timesRun(given)
    let options = try CompressionOptions(given)
    let start = ContinuousClock.now
    try requireApart(output, from: [path])
    do throws(FileError) { try AtomicFile.requireWritable(output) } catch { throw Failure(error) }
    var model = try readModel(path)
    try requireApart(output, from: model.externalFiles)
    let original = model
    let request = try CompressionRequest(given, options, for: model)
    var report: CompressionReport
    do throws(TimingError) {
      report = try model.compress(request) { progress($0) }
    } catch { throw Failure(error) }
    do throws(ModelError) { report.model.bytesAfter = try model.saveONNX(to: output) } catch {
      throw Failure(error)
    }
    if timesRun {
      report.timeRun(
        of: model, beside: original,
        with: EngineTimer(threads: options.threads, inputShapes: request.options.inputShapes),
        after: (ContinuousClock.now - start) / .seconds(1))
    }
    report.elapsedSeconds = (ContinuousClock.now - start) / .seconds(1)
    result.pointee = HandleTable.insert(try ReportObject(report))
  }
}

/// Throws where a model that is written, or its external data, would replace a file that is read.
private func requireApart(_ output: String, from inputs: [String]) throws(Failure) {
  var roles = FileRoles()
  do throws(FileError) {
    for path in inputs { try roles.add(input: path, title: "the input \(path)") }
    for path in [output, ModelGraph.externalDataPath(of: output)] {
      try roles.add(output: path, title: "output_path \(path)")
    }
  } catch { throw Failure(LOWRANK_INVALID_ARGUMENT, error.description) }
}

/// The model of an ONNX file.
func readModel(_ path: String) throws(Failure) -> ModelGraph {
  guard !path.isEmpty else { throw Failure(LOWRANK_BAD_FILE, "the path is empty") }
  do throws(ModelError) { return try ModelGraph(onnx: path) } catch { throw Failure(error) }
}
