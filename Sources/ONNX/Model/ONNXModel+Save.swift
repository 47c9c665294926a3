internal import SwiftProtobuf
import TensorCore

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension ONNXModel {
  /// A protobuf message cannot be longer than 2 GiB; what is larger needs external data. Some room is left for the
  /// graph itself.
  private static var inlineLimit: Int { 3 << 29 }
  /// Smaller tensors stay in the model file, where ONNX Runtime wants shapes and scalars to be.
  private static var leastExternalBytes: Int { 1024 }

  /// Writes the model, beside its place first and then renamed, so that no partial file is ever seen.
  ///
  /// Weights of less than 1.5 GiB together are written into the file; beyond that, into one file, `externalDataPath(of:)`.
  ///
  /// **Returns** the bytes written.
  ///
  /// **Throws** `ONNXError` where the file cannot be written.
  @discardableResult
  public func save(to path: String) throws(ONNXError) -> Int {
    var files = FileTransaction()
    let bytes = try save(to: path, in: &files)
    do throws(FileError) { try files.commit() } catch { throw .file(error) }
    return bytes
  }

  /// The same, to appear with the other files of a transaction when that is committed.
  public func save(to path: String, in files: inout FileTransaction) throws(ONNXError) -> Int {
    let weights = proto.graph.initializer.reduce(0) { $0 + $1.rawData.count }
    do {
      if weights <= Self.inlineLimit {
        let data = try serialized(proto, path)
        try files.write(data, to: path)
        return data.count
      }
      var small = proto
      let blob = Self.externalize(
        &small.graph, file: String(path.split(separator: "/").last ?? "model") + ".data")
      let data = try serialized(small, path)
      try files.write(blob, to: Self.externalDataPath(of: path))
      try files.write(data, to: path)
      return data.count + blob.count
    } catch let error as FileError {
      throw .file(error)
    } catch let error as ONNXError {
      throw error
    } catch {
      throw .model(path: path, reason: "\(error)")
    }
  }

  /// The file beside a model for weights that are too many for the model's own.
  public static func externalDataPath(of path: String) -> String { path + ".data" }

  private func serialized(_ proto: ModelProto, _ path: String) throws(ONNXError) -> Data {
    do { return try proto.serializedData() } catch {
      throw .model(path: path, reason: "the model cannot be written as protobuf: \(error)")
    }
  }

  /// Moves the raw data of large initializers into one blob, each on a 4 KiB boundary so that it can be mapped.
  private static func externalize(_ graph: inout GraphProto, file: String) -> Data {
    var blob = Data()
    for index in graph.initializer.indices where graph.initializer[index].rawData.count >= leastExternalBytes
    {
      blob.append(Data(count: (4096 - blob.count % 4096) % 4096))
      let raw = graph.initializer[index].rawData
      graph.initializer[index].externalData = [
        ("location", file), ("offset", "\(blob.count)"), ("length", "\(raw.count)"),
      ]
      .map { key, value in
        var entry = StringStringEntryProto()
        entry.key = key
        entry.value = value
        return entry
      }
      graph.initializer[index].dataLocation = 1
      graph.initializer[index].clearRawData()
      blob.append(raw)
    }
    return blob
  }
}
