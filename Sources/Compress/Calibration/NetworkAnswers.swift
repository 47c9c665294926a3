import ModelGraph

/// What a network's answers are compared by: for each output the output itself, and the value in front of a Softmax or
/// Sigmoid that makes it.
///
/// A class that is certain stays so whatever happens in front of it: errors of probabilities near 0 and 1 say next to nothing
/// of a layer, and vanish or explode from one input to the next. In front of the saturation they are errors like others.
struct NetworkAnswers {
  /// The output, as callers know it.
  let outputs: [String]
  /// By output, the value that errors are measured in; the output itself where nothing saturates.
  let scores: [String]

  init(_ model: ModelGraph) {
    let index = GraphIndex(model.main)
    outputs = model.main.outputs.map(\.name)
    scores = outputs.map { name in
      guard let place = index.producers[name] else { return name }
      let node = model.main.nodes[place]
      let saturates = node.isStandard && ["Softmax", "Sigmoid"].contains(node.opType)
      return saturates ? node.inputs[0] : name
    }
  }

  /// Whether an output is measured in front of what makes it.
  func saturates(_ place: Int) -> Bool { outputs[place] != scores[place] }

  /// The outputs and what stands in front of them.
  var values: Set<String> { Set(outputs + scores) }
}
