extension ModelGraph {
  /// Before this version of the format, a constant has to be listed among the graph's inputs too.
  private static var versionWithFreeConstants: Int { 4 }

  /// Adds a constant to the main graph.
  package mutating func add(_ constant: Constant) {
    main.constants.append(constant)
    guard formatVersion < Self.versionWithFreeConstants else { return }
    let shape = constant.extents.map(ValueInfo.Dimension.known)
    main.inputs.append(ValueInfo(name: constant.name, type: .tensor(constant.type, shape: shape)))
  }
}

extension Graph {
  /// Takes away constants, and descriptions of values, that nothing refers to any more.
  package mutating func removeUnusedValues(among candidates: Set<String>) {
    let index = GraphIndex(self)
    let unused = candidates.filter { !index.isUsed($0) }
    let removed = unused.filter { constants[$0] != nil }
    constants.removeAll { removed.contains($0.name) }
    inputs.removeAll { removed.contains($0.name) }
    nodes.removeAll { $0.opType == "Constant" && $0.isStandard && $0.outputs.allSatisfy(unused.contains) }
    let gone = unused.subtracting(inputs.map(\.name))
    valueInfo.removeAll { gone.contains($0.name) }
    quantization.removeAll { gone.contains($0.value) }
  }
}
