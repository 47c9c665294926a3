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

  /// What has been done of a save.
  enum SaveStep: CaseIterable {
    case dataWritten
    case modelWritten
  }

  /// As the public `save`, with weights beyond another limit in a file of their own, and calls of `done` between the
  /// steps for tests to look around or to fail there.
  @discardableResult
  func save(
    to path: String, inlineLimit: Int, done: (SaveStep) throws(FileError) -> Void = { _ in }
  ) throws(ONNXError) -> Int {
    var written = proto
    written.metadataProps.removeAll { $0.key == ModelDataFile.metadataKey }
    let weights = written.graph.initializer.reduce(0) { $0 + $1.rawData.count }
    do throws(FileError) {
      guard let target = AtomicFile.target(of: path) else {
        guard weights <= inlineLimit else {
          throw FileError(
            path: path, reason: "weights of \(weights) bytes need a file of their own beside the model's")
        }
        let data = try serialized(written, path)
        try AtomicFile.write(data, to: path)
        return data.count
      }
      let files = ModelDataFile(model: target)
      let earlier = files.ownedByModel()
      let blob = weights > inlineLimit ? Self.externalize(&written.graph) : Data()
      var name: String?
      if !blob.isEmpty {
        let unique = try files.create(blob)
        written.refer(to: unique)
        name = unique
      }
      let data: Data
      do throws(FileError) {
        try done(.dataWritten)
        data = try serialized(written, path)
        try AtomicFile.write(data, to: path)
      } catch {
        if let name { files.remove(name) }
        throw error
      }
      try done(.modelWritten)
      for old in earlier where !files.isReferredTo(old) { files.remove(old) }
      return data.count + blob.count
    } catch {
      throw .file(error)
    }
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
