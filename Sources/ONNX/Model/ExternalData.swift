import TensorCore

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension ONNXModel {
  /// Reads every tensor that lies in an external file into the model, those in the bodies of nodes included.
  mutating func resolveExternalData() throws(ONNXError) {
    var files = ExternalFiles(path: path)
    try files.resolve(&proto.graph)
    byteCount += files.byteCount
    externalFiles = files.paths
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
    for index in graph.initializer.indices where graph.initializer[index].dataLocation == 1 {
      try resolve(&graph.initializer[index])
    }
    for node in graph.node.indices {
      for index in graph.node[node].attribute.indices where graph.node[node].attribute[index].holdsTensors {
        try resolve(&graph.node[node].attribute[index])
      }
    }
  }

  private mutating func resolve(_ attribute: inout AttributeProto) throws(ONNXError) {
    if attribute.hasT && attribute.t.dataLocation == 1 { try resolve(&attribute.t) }
    if attribute.hasG { try resolve(&attribute.g) }
    for index in attribute.tensors.indices where attribute.tensors[index].dataLocation == 1 {
      try resolve(&attribute.tensors[index])
    }
    for index in attribute.graphs.indices { try resolve(&attribute.graphs[index]) }
  }

  private mutating func resolve(_ tensor: inout TensorProto) throws(ONNXError) {
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
    guard let length = Int(entries["length"] ?? String(data.count - offset)), length >= 0,
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
    do {
      let data = try FileReader.bytes(ofFile: folder + location)
      files[location] = data
      return data
    } catch { throw .file(error) }
  }
}

extension AttributeProto {
  fileprivate var holdsTensors: Bool { hasT || hasG || !tensors.isEmpty || !graphs.isEmpty }
}
