internal import SwiftProtobuf
import TensorFiles
import Tensors

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A model in the ONNX format, read whole, to be looked at and rewritten.
///
/// Weights in external data files are read in with the model. Whatever this package does not know is kept and
/// written back as it was.
public struct ONNXModel: Sendable {
  /// Where the model came from; names it in messages.
  public let path: String
  /// The size of the model's files in bytes, external data included.
  public internal(set) var byteCount: Int
  /// The paths of the files that the model's external data was read from.
  public internal(set) var externalFiles: [String] = []
  var proto: ModelProto

  /// Reads a model file and the external data files that it names, which have to lie in its folder.
  ///
  /// **Throws** `ONNXError` for files that cannot be read, that are not ONNX models, or whose tensors contradict
  /// themselves.
  ///
  /// **Complexity** the file is read whole, and parsed into one copy.
  public init(contentsOf path: String) throws(ONNXError) {
    let data: Data
    do { data = try FileReader.bytes(ofFile: path) } catch { throw .file(error) }
    try self.init(data: data, path: path)
    try resolveExternalData()
  }

  /// Reads a model from memory; `path` names it in messages. External data stays unresolved.
  init(data: Data, path: String) throws(ONNXError) {
    self.path = path
    self.byteCount = data.count
    do {
      proto = try ModelProto(serializedBytes: data)
    } catch {
      throw .model(
        path: path, reason: "this is not an ONNX model, or it is cut off: the protobuf cannot be read")
    }
    guard proto.hasGraph, proto.hasIrVersion, proto.irVersion > 0 else {
      throw .model(path: path, reason: "this is not an ONNX model: it has no graph or no IR version")
    }
    guard !proto.graph.node.isEmpty else {
      throw .model(path: path, reason: "the model's graph has no nodes")
    }
    guard opsetVersion > 0 else {
      throw .model(path: path, reason: "the model does not say which version of the ONNX operators it uses")
    }
    try requireUniqueOutputs()
  }

  /// The version of the standard operators that the model uses; 0 where it says none.
  public var opsetVersion: Int {
    let version = proto.opsetImport.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }?.version ?? 0
    return Int(version)
  }

  /// The names and extents of the graph's true inputs (initializers that are listed as inputs left out); nil where an
  /// extent is open.
  public var inputs: [(name: String, extents: [Int?]?)] {
    let initializers = Set(proto.graph.initializer.map(\.name))
    return proto.graph.input.filter { !initializers.contains($0.name) }.map { ($0.name, $0.extents) }
  }

  /// Sets an entry of the model's metadata.
  public mutating func setMetadata(_ key: String, _ value: String) {
    proto.metadataProps.removeAll { $0.key == key }
    var entry = StringStringEntryProto()
    entry.key = key
    entry.value = value
    proto.metadataProps.append(entry)
  }

  /// Throws unless each value is made by one node only; a rewrite finds nodes by the values they make.
  private func requireUniqueOutputs() throws(ONNXError) {
    var seen = Set<String>()
    for node in proto.graph.node {
      for output in node.output where !output.isEmpty {
        guard seen.insert(output).inserted else {
          throw .node(path: path, name: node.displayName, reason: "the value '\(output)' is made twice")
        }
      }
    }
  }
}

extension ValueInfoProto {
  /// The extents of a tensor value, nil where open; nil for values without a shape.
  var extents: [Int?]? {
    guard type.hasTensorType, type.tensorType.hasShape else { return nil }
    return type.tensorType.shape.dim.map { dim in
      dim.hasDimValue && dim.dimValue >= 0 ? Int(dim.dimValue) : nil
    }
  }
}
