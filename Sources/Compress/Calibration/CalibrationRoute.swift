import ModelGraph

/// The order in which calibration goes through a network: from layer to layer, with the nodes between them.
struct CalibrationRoute {
  /// A layer with the nodes in front of it that have not run yet.
  struct Stop {
    /// The place among the model's layers.
    let layer: Int
    /// The group of layers that share its kernel.
    let group: Int
    /// The nodes in front, without the layer's own.
    let before: [Int]
    /// The layer's nodes: itself, and a BatchNormalization that is folded into it.
    let own: [Int]
    /// What nodes behind `before` take.
    let neededBefore: Set<String>
    /// What nodes behind the layer take.
    let neededAfter: Set<String>
    /// All nodes behind the layer.
    let rest: [Int]
  }

  let stops: [Stop]
  /// The nodes behind the last layer.
  let tail: [Int]

  /// The route through the layers that may be factored.
  init(_ model: ModelGraph, _ work: LayerWork) {
    var groupOf: [Int: Int] = [:]
    for (group, layers) in work.groups.enumerated() {
      for member in layers.members { groupOf[member] = group }
    }
    var done = Set<Int>()
    var stops: [Stop] = []
    for place in groupOf.keys.sorted(by: { work.layers[$0].node < work.layers[$1].node }) {
      let layer = work.layers[place]
      let own = [layer.node] + (layer.batchNormalization.map { [$0.node] } ?? [])
      let before = (0..<layer.node).filter { !done.contains($0) }
      done.formUnion(before)
      let neededBefore = model.valuesNeeded(outside: done)
      done.formUnion(own)
      stops.append(
        Stop(
          layer: place, group: groupOf[place] ?? 0, before: before, own: own, neededBefore: neededBefore,
          neededAfter: model.valuesNeeded(outside: done),
          rest: model.main.nodes.indices.filter { !done.contains($0) }))
    }
    self.stops = stops
    tail = model.main.nodes.indices.filter { !done.contains($0) }
  }
}

extension ModelGraph {
  /// Some nodes with those of their values that are needed later.
  func piece(of places: [Int], needed: Set<String>, threads: Int) throws(CompressError) -> CalibrationPiece {
    let made = places.flatMap { main.nodes[$0].outputs }.filter { !$0.isEmpty && needed.contains($0) }
    return try CalibrationPiece(piece(of: places, making: made), threads: threads)
  }
}
