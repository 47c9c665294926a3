/// Takes away nodes whose values nobody uses, and constants that only they took. Operators of other domains than the
/// standard's stay where they make no value at all: they may do something else.
///
/// **Complexity** one walk over the nodes, from back to front.
public struct UnusedNodeRemoval: GraphPass {
  /// `unused-nodes`
  public static var name: String { "unused-nodes" }

  /// The pass.
  public init() {}

  /// Removes; each node is named.
  public func apply(to model: inout ModelGraph) throws(ModelError) -> [PassNote] {
    let index = GraphIndex(model.main)
    var uses = index.consumers.mapValues(\.count)
    var (notes, kept): ([PassNote], [Node]) = ([], [])
    var released = Set<String>()
    for node in model.main.nodes.reversed() {
      let isUsed = node.outputs.contains { value in
        uses[value, default: 0] > 0 || index.outputs.contains(value) || index.namesInBodies.contains(value)
      }
      guard !isUsed, node.isStandard || !node.outputs.isEmpty else {
        kept.append(node)
        continue
      }
      for input in node.inputs { uses[input, default: 0] -= 1 }
      released.formUnion(node.inputs + node.outputs)
      notes.append(note(node.displayName, "nobody uses what \(node.opType) makes"))
    }
    guard !notes.isEmpty else { return [] }
    model.main.nodes = kept.reversed()
    model.main.removeUnusedValues(among: released)
    return notes.reversed()
  }
}
