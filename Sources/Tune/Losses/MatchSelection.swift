import ModelGraph

/// Which values of two networks are to come near to each other.
struct MatchSelection {
  /// The outputs of the networks.
  let outputs: [Match]
  /// The outputs of blocks: values of one name in both that other nodes make, as where a layer was factored.
  private(set) var blocks: [Match]
  /// What the layers behind read of the blocks: their outputs behind normalization and activation.
  private(set) var hints: [Match]

  /// The losses of each phase: blocks by themselves, where there are any, and the outputs with hints of some weight beside them.
  func terms(hintWeight: Double) -> [TuningPhase: [LossTerm]] {
    let whole = outputs.mean() + hints.mean(weight: hintWeight)
    return blocks.isEmpty ? [.whole: whole] : [.whole: whole, .blocks: blocks.mean()]
  }

  /// Those that are used: blocks where steps go by them, hints where they weigh anything.
  func used(blockShare: Double, hintWeight: Double) -> MatchSelection {
    var used = self
    if blockShare == 0 { used.blocks = [] }
    if hintWeight == 0 { used.hints = [] }
    return used
  }

  /// `loss` is nil for what the networks are: rows of classes by divergence, everything else by mean squares.
  ///
  /// Where both networks end in a Softmax, what goes into it is matched.
  ///
  /// **Throws** `TuneError.graph` where the teacher has not as many outputs.
  init(_ model: ModelGraph, teacher: ModelGraph, loss: LossKind?, orders: [String: Int]) throws(TuneError) {
    guard model.main.outputs.count == teacher.main.outputs.count else {
      throw .graph(
        reason:
          "the teacher has \(teacher.main.outputs.count) outputs, the network \(model.main.outputs.count)")
    }
    let (own, other) = (GraphIndex(model.main), GraphIndex(teacher.main))
    outputs = zip(model.main.outputs, teacher.main.outputs).map { output, target in
      let order = orders[output.name] ?? 0
      let kind = loss ?? (order == 2 ? .divergence : .meanSquare)
      if kind == .divergence, let x = Self.softmaxInput(output.name, model.main, own),
        let t = Self.softmaxInput(target.name, teacher.main, other)
      {
        return Match(value: x, teacher: t, loss: kind)
      }
      return Match(value: output.name, teacher: target.name, loss: kind)
    }
    blocks = model.main.nodes.flatMap { node in
      node.outputs.compactMap { value in
        guard !value.isEmpty, let place = other.producers[value],
          !Self.alike(node, teacher.main.nodes[place])
        else { return nil }
        return Match(value: value, teacher: value, loss: .meanSquare)
      }
    }
    let ends = Set(outputs.map(\.value))
    hints = blocks.map { Self.behind($0.value, (model.main, own), (teacher.main, other)) }
      .filter { !ends.contains($0) }.map { Match(value: $0, teacher: $0, loss: .meanSquare) }
  }

  /// The value behind the normalization and the activation that follow a value in both networks.
  ///
  /// Whatever a rectifier cuts off is no matter of the network: a hint about it takes weights from what is.
  private static func behind(
    _ value: String, _ own: (graph: Graph, index: GraphIndex), _ other: (graph: Graph, index: GraphIndex)
  ) -> String {
    guard own.index.isUsedOnlyOnce(value), let reader = own.index.consumers[value]?.first,
      case let node = own.graph.nodes[reader], node.isActivation || node.isNormalization,
      node.input(0) == value,
      let made = node.outputs.first, let place = other.index.producers[made],
      alike(node, other.graph.nodes[place])
    else { return value }
    return behind(made, own, other)
  }

  private static func alike(_ a: Node, _ b: Node) -> Bool {
    a.opType == b.opType && a.inputs == b.inputs && a.attributes == b.attributes
  }

  /// What goes into the Softmax that makes a value; nil where none does.
  private static func softmaxInput(_ value: String, _ graph: Graph, _ index: GraphIndex) -> String? {
    guard let place = index.producers[value] else { return nil }
    let node = graph.nodes[place]
    return ["Softmax", "LogSoftmax"].contains(node.opType) && node.isStandard ? node.input(0) : nil
  }
}

extension Node {
  fileprivate var isNormalization: Bool { isStandard && opType == "BatchNormalization" }
}
