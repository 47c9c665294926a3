/// A network: its main graph, its functions, and what it says about itself.
///
/// A value type; copies share what neither has changed. What a file held that has no place here is kept beside each
/// part, and written back.
public struct ModelGraph: Sendable {
  /// Where the model came from; names it in messages.
  public let path: String
  /// The size of the files that it came from, in bytes.
  public let byteCount: Int
  /// The files besides `path` that hold elements of its constants.
  public let externalFiles: [String]
  /// The version of the file format that the model keeps to.
  public var formatVersion: Int
  /// The graph that is run.
  public var main: Graph
  /// The versions of the operators that its nodes are of.
  public var operatorSets: [OperatorSet]
  /// Texts that go with the model.
  public var metadata: [TextEntry]
  /// What nodes can call besides operators.
  public var functions: [Function]
  package var record = FileRecord<ModelGraph>()

  /// A model; `path` names it in messages.
  public init(
    path: String, main: Graph, operatorSets: [OperatorSet], formatVersion: Int, byteCount: Int = 0,
    externalFiles: [String] = []
  ) {
    self.path = path
    self.byteCount = byteCount
    self.externalFiles = externalFiles
    self.main = main
    self.operatorSets = operatorSets
    self.formatVersion = formatVersion
    metadata = []
    functions = []
  }

  /// The version of the standard operators that the model uses; 0 where it says none.
  public var opsetVersion: Int { operatorSets.first(where: \.isStandard)?.version ?? 0 }

  /// What the main graph has to be given: its inputs without those that have a constant for a default.
  public var inputs: [ValueInfo] { main.inputs.filter { main.constants[$0.name] == nil } }

  /// Sets an entry of the metadata.
  public mutating func setMetadata(_ key: String, _ value: String) {
    metadata.removeAll { $0.key == key }
    metadata.append(TextEntry(key: key, value: value))
  }
}

extension ModelGraph: Equatable {
  /// Whether the models are the same, wherever they came from.
  public static func == (a: ModelGraph, b: ModelGraph) -> Bool {
    a.main == b.main && a.functions == b.functions && a.operatorSets == b.operatorSets
      && a.metadata == b.metadata && a.formatVersion == b.formatVersion
  }
}

extension ModelGraph {
  /// Checks what every other part of this package relies on: there are nodes, the version of the operators is known, and
  /// each value of the main graph is made by one node only, or is an input.
  ///
  /// **Throws** `ModelError` that names the model or the node.
  public func validate() throws(ModelError) {
    guard !main.nodes.isEmpty else {
      throw .model(path: path, reason: "the model's graph has no nodes")
    }
    guard opsetVersion > 0 else {
      throw .model(path: path, reason: "the model does not say which version of the ONNX operators it uses")
    }
    var seen = Set(main.inputs.map(\.name))
    for node in main.nodes {
      for output in node.outputs where !output.isEmpty {
        guard seen.insert(output).inserted else {
          throw .node(path: path, name: node.displayName, reason: "the value '\(output)' is made twice")
        }
      }
    }
  }
}
