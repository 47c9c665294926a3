import TensorFiles
import Tensors

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension ONNXModel {
  /// Reads every tensor that lies in an external file into the model, those in the bodies of nodes included, and checks
  /// all of them.
  mutating func resolveExternalData() throws(ONNXError) {
    var files = ExternalFiles(path: path)
    try files.resolve(&proto.graph)
    byteCount += files.byteCount
    externalFiles = files.paths
    proto.metadataProps.removeAll { $0.key == ModelDataFile.metadataKey }
  }
}

/// The external data files of one model, each read once.
private struct ExternalFiles {
  let path: String
  private var files: [String: Data] = [:]

  init(path: String) { self.path = path }

  var byteCount: Int { files.values.reduce(0) { $0 + $1.count } }
  var paths: [String] { files.keys.sorted().map { folder + $0 } }
  private var folder: String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }

  mutating func resolve(_ graph: inout GraphProto) throws(ONNXError) {
    for index in graph.initializer.indices { try complete(&graph.initializer[index]) }
    for node in graph.node.indices {
      for index in graph.node[node].attribute.indices where graph.node[node].attribute[index].holdsTensors {
        try resolve(&graph.node[node].attribute[index])
      }
    }
  }

  private mutating func resolve(_ attribute: inout AttributeProto) throws(ONNXError) {
    if attribute.hasT { try complete(&attribute.t) }
    if attribute.hasG { try resolve(&attribute.g) }
    for index in attribute.tensors.indices { try complete(&attribute.tensors[index]) }
    for index in attribute.graphs.indices { try resolve(&attribute.graphs[index]) }
  }

  /// Reads a tensor's data in where they are external, and throws where they are not what its extents say.
  private mutating func complete(_ tensor: inout TensorProto) throws(ONNXError) {
    guard let shape = tensor.shape else {
      throw .tensor(
        path: path, name: tensor.name,
        reason: "its extents \(tensor.dims.prefix(8)) are negative, or their product overflows")
    }
    let needed = tensor.byteCount(of: shape)
    if tensor.dataLocation == 1 { try resolve(&tensor, byteCount: needed) }
    guard tensor.hasRawData, let needed, tensor.rawData.count != needed.value else { return }
    let count = needed.value.map { "\($0)" } ?? "more than can be counted"
    throw .tensor(
      path: path, name: tensor.name,
      reason: "its data have \(tensor.rawData.count) bytes, but its extents \(shape) need \(count)")
  }

  /// `byteCount` is what the extents say; nil where the type's size is not known.
  private mutating func resolve(_ tensor: inout TensorProto, byteCount: CheckedInteger?) throws(ONNXError) {
    func fail(_ reason: String) -> ONNXError { .tensor(path: path, name: tensor.name, reason: reason) }
    let entries = Dictionary(tensor.externalData.map { ($0.key, $0.value) }) { first, _ in first }
    guard let location = entries["location"], !location.isEmpty else {
      throw fail("its external data has no location")
    }
    // A model must not read files that its user did not hand over with it.
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !parts.contains("..") else {
      throw fail("its external data '\(location)' lies outside the model's folder")
    }
    let data = try file(location)
    guard let offset = Int(entries["offset"] ?? "0"), offset >= 0, offset <= data.count else {
      throw fail(
        "its external data begins at '\(entries["offset"] ?? "")', but '\(location)' has \(data.count) bytes")
    }
    // Without a length, the data end with the tensor, or with the file where its size is not known.
    let ending = byteCount.map(\.value) ?? data.count - offset
    guard let length = entries["length"].map({ Int($0) }) ?? ending, length >= 0,
      length <= data.count - offset
    else {
      throw fail("its external data ends beyond the \(data.count) bytes of '\(location)'")
    }
    let start = data.startIndex + offset
    tensor.rawData = Data(data[start..<(start + length)])
    tensor.externalData = []
    tensor.clearDataLocation()
  }

  private mutating func file(_ location: String) throws(ONNXError) -> Data {
    if let data = files[location] { return data }
    do throws(FileError) {
      let data = try bytes(location)
      files[location] = data
      return data
    } catch { throw .file(error) }
  }

  /// The folder is that of the path, as for other programs; where the path is a link, the file that it leads to may have
  /// its data in its own folder.
  private func bytes(_ location: String) throws(FileError) -> Data {
    func folder(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }
    do throws(FileError) {
      return try FileReader.bytes(ofFile: folder(path) + location)
    } catch {
      guard let target = AtomicFile.target(of: path), folder(target) != folder(path),
        let data = try? FileReader.bytes(ofFile: folder(target) + location)
      else { throw error }
      return data
    }
  }
}

extension AttributeProto {
  fileprivate var holdsTensors: Bool { hasT || hasG || !tensors.isEmpty || !graphs.isEmpty }
}
