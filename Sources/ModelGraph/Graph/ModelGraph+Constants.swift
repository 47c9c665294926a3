extension ModelGraph {
  /// Before this version of the format, a constant has to be listed among the graph's inputs too.
  private static var versionWithFreeConstants: Int { 4 }

  /// Whether constants are among the graph's inputs whether a caller may override them or not.
  package var listsConstantsAsInputs: Bool { formatVersion < Self.versionWithFreeConstants }

  /// Adds a constant to the main graph.
  package mutating func add(_ constant: Constant) {
    main.constants.append(constant)
    guard listsConstantsAsInputs else { return }
    let shape = constant.extents.map(ValueInfo.Dimension.known)
    main.inputs.append(ValueInfo(name: constant.name, type: .tensor(constant.type, shape: shape)))
  }
}

extension Graph {
  /// Takes away constants, nodes that only widened them, and descriptions of values, that nothing refers to any more.
  package mutating func removeUnusedValues(among candidates: Set<String>) {
    let index = GraphIndex(self)
    let unused = candidates.filter { !index.isUsed($0) }
    let removed = unused.filter { constants[$0] != nil }
    constants.removeAll { removed.contains($0.name) }
    inputs.removeAll { removed.contains($0.name) }
    let idle = nodes.filter { $0.holdsConstant && $0.outputs.allSatisfy(unused.contains) }
    nodes.removeAll { $0.holdsConstant && $0.outputs.allSatisfy(unused.contains) }
    let gone = unused.subtracting(inputs.map(\.name))
    valueInfo.removeAll { gone.contains($0.name) }
    quantization.removeAll { gone.contains($0.value) }
    let behind = Set(idle.flatMap(\.inputs))
    if !behind.isEmpty { removeUnusedValues(among: behind) }
  }
}

extension Node {
  /// Whether the node's operator is one that weights are held or widened by.
  fileprivate var holdsConstant: Bool {
    isStandard && ["Constant", "Cast", "DequantizeLinear"].contains(opType)
  }
}
