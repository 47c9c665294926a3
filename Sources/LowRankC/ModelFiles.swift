public import CLowRank
internal import Compress
internal import ModelGraph
internal import ONNX
internal import Synchronization
internal import TensorCore

/// One model at a time: the BLAS's thread count is global to the process, and two calls that set it and put it back
/// would leave it wrong.
private let turn = Mutex(())

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
    let report = try turn.withLock { _ throws(Failure) in
      do throws(CompressError) { return try model.inspect(options) } catch { throw Failure(error) }
    }
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
    let options = try CompressionOptions(options)
    let start = ContinuousClock.now
    do throws(FileError) { try AtomicFile.requireWritable(output) } catch { throw Failure(error) }
    var model = try readModel(path)
    var report = try turn.withLock { _ throws(Failure) in
      do throws(CompressError) { return try model.compress(options) } catch { throw Failure(error) }
    }
    do throws(ModelError) { report.model.bytesAfter = try model.saveONNX(to: output) } catch {
      throw Failure(error)
    }
    report.elapsedSeconds = (ContinuousClock.now - start) / .seconds(1)
    result.pointee = HandleTable.insert(try ReportObject(report))
  }
}

private func readModel(_ path: String) throws(Failure) -> ModelGraph {
  guard !path.isEmpty else { throw Failure(LOWRANK_BAD_FILE, "the path is empty") }
  do throws(ModelError) { return try ModelGraph(onnx: path) } catch { throw Failure(error) }
}
