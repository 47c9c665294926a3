internal import SwiftProtobuf
import TensorFiles

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
  /// Weights of less than 1.5 GiB together are written into the file; beyond that, into one new file beside it, named
  /// `PATH.data`, or `PATH.data.2` and so on where that name is taken. The data come first, the model that refers to them
  /// takes the old one's place after that, and only then the data that the old model had from here go, unless another
  /// model in the folder refers to them: at every moment `PATH` is the old model with its data or the new one with its.
  /// A crash in between can leave a data file that nothing refers to. Both pairs need room on the disk for a moment.
  ///
  /// Where `PATH` is a link, both files are written where it leads to.
  ///
  /// **Returns** the bytes written.
  ///
  /// **Throws** `ONNXError` where a file cannot be written; then all is as it was.
  @discardableResult
  public func save(to path: String) throws(ONNXError) -> Int {
    try save(to: path, inlineLimit: Self.inlineLimit)
  }

  /// Where a model at `path` has its external data, if it needs any and nothing has that name.
  public static func externalDataPath(of path: String) -> String { path + ".data" }

  /// The same, to appear with the other files of a transaction when that is committed.
  public func save(to path: String, in files: inout FileTransaction) throws(ONNXError) -> Int {
    do throws(FileError) {
      return try stage(to: path, inlineLimit: Self.inlineLimit, in: &files)
    } catch { throw .file(error) }
  }

  /// As the public `save`, with weights beyond another limit in a file of their own, and a call of `beforePlacing` with
  /// the path of each file that is about to take its place, for tests to look around or to fail there.
  @discardableResult
  func save(
    to path: String, inlineLimit: Int, beforePlacing: (String) throws(FileError) -> Void = { _ in }
  ) throws(ONNXError) -> Int {
    do throws(FileError) {
      var files = FileTransaction()
      let bytes = try stage(to: path, inlineLimit: inlineLimit, in: &files)
      try files.commit(beforePlacing: beforePlacing)
      return bytes
    } catch { throw .file(error) }
  }

  /// Hands the model's files to a transaction, the data first, as they have to be there before the model that refers to
  /// them.
  private func stage(
    to path: String, inlineLimit: Int, in files: inout FileTransaction
  ) throws(FileError) -> Int {
    var written = proto
    written.metadataProps.removeAll { $0.key == ModelDataFile.metadataKey }
    let weights = written.graph.initializer.reduce(0) { $0 + $1.rawData.count }
    guard let target = AtomicFile.target(of: path) else {
      guard weights <= inlineLimit else {
        throw FileError(
          path: path, reason: "weights of \(weights) bytes need a file of their own beside the model's")
      }
      let data = try serialized(written, path)
      try files.write(data, to: path)
      return data.count
    }
    let beside = ModelDataFile(model: target)
    let earlier = beside.ownedByModel()
    let blob = weights > inlineLimit ? Self.externalize(&written.graph) : Data()
    if !blob.isEmpty { written.refer(to: try beside.create(blob, in: &files)) }
    let data = try serialized(written, path)
    try files.write(data, to: path)
    files.whenCommitted {
      for old in earlier where !beside.isReferredTo(old) { beside.remove(old) }
    }
    return data.count + blob.count
  }

  private func serialized(_ proto: ModelProto, _ path: String) throws(FileError) -> Data {
    do { return try proto.serializedData() } catch {
      throw FileError(path: path, reason: "the model cannot be written as protobuf: \(error)")
    }
  }

  /// Moves the raw data of large initializers into one blob, each on a 4 KiB boundary so that it can be mapped.
  private static func externalize(_ graph: inout GraphProto) -> Data {
    var blob = Data()
    for index in graph.initializer.indices where graph.initializer[index].rawData.count >= leastExternalBytes
    {
      blob.append(Data(count: (4096 - blob.count % 4096) % 4096))
      let raw = graph.initializer[index].rawData
      graph.initializer[index].externalData = [
        StringStringEntryProto("offset", "\(blob.count)"), StringStringEntryProto("length", "\(raw.count)"),
      ]
      graph.initializer[index].dataLocation = 1
      graph.initializer[index].clearRawData()
      blob.append(raw)
    }
    return blob
  }
}

extension ModelProto {
  /// Names the file that the initializers' external data lie in, and says that it belongs to this model.
  fileprivate mutating func refer(to file: String) {
    for index in graph.initializer.indices where graph.initializer[index].dataLocation == 1 {
      graph.initializer[index].externalData.insert(StringStringEntryProto("location", file), at: 0)
    }
    metadataProps.append(StringStringEntryProto(ModelDataFile.metadataKey, file))
  }
}
