import ModelGraph

/// Which values of two networks are to come near to each other.
struct MatchSelection {
  /// The outputs of the networks.
  let outputs: [Match]
  /// The outputs of blocks: values of one name in both that other nodes make, as where a layer was factored.
  let blocks: [Match]

  /// What each phase matches; no blocks, no phase of them.
  var byPhase: [TuningPhase: [Match]] {
    blocks.isEmpty ? [.whole: outputs] : [.whole: outputs, .blocks: blocks]
  }

  /// The outputs alone.
  var withoutBlocks: MatchSelection { MatchSelection(outputs: outputs, blocks: []) }

  private init(outputs: [Match], blocks: [Match]) { (self.outputs, self.blocks) = (outputs, blocks) }

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
