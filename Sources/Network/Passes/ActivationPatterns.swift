import ModelGraph
import Tensors

/// Puts one node in the place of several that stand for an activation:
///
///     x sigmoid(x)                        Silu
///     x hardsigmoid(x), slope 1/6         HardSwish
///     x clip(x + 3, 0, 6) / 6             HardSwish
///     x (1 + erf(x / sqrt 2)) / 2         Gelu
struct ActivationPatterns: GraphPass {
  static let name = "activation-patterns"

  func apply(to model: inout ModelGraph) throws(ModelError) -> [PassNote] {
    var search = Search(model.main)
    var notes: [PassNote] = []
    for place in model.main.nodes.indices.reversed() {
      guard let (name, input, parts) = search.match(at: place) else { continue }
      let last = model.main.nodes[place]
      var node = Node(opType: name, domain: OperatorTable.ownDomain, inputs: [input], outputs: last.outputs)
      node.name = last.name
      model.main.nodes[place] = node
      search.gone.formUnion(parts)
      notes.append(note(last.displayName, "\(parts.count + 1) nodes are \(name)"))
    }
    guard !notes.isEmpty else { return [] }
    let gone = search.gone
    model.main.nodes = model.main.nodes.enumerated().filter { !gone.contains($0.offset) }.map(\.element)
    return notes.reversed()
  }
}

/// Looks for the last nodes of patterns.
private struct Search {
  private let graph: Graph
  private let index: GraphIndex
  var gone: Set<Int> = []

  init(_ graph: Graph) {
    self.graph = graph
    index = GraphIndex(graph)
  }

  /// The activation whose last node is at a place, what it is of, and the places of its other nodes.
  func match(at place: Int) -> (name: String, input: String, parts: [Int])? {
    guard !gone.contains(place) else { return nil }
    let node = graph.nodes[place]
    switch node.isStandard ? node.opType : "" {
    case "Mul": return gate(node) ?? gelu(node)
    case "Div": return hardSwish(node)
    default: return nil
    }
  }

  /// The node that makes a value which only one node takes.
  private func maker(_ value: String?, _ opType: String) -> (place: Int, node: Node)? {
    guard let value, index.isUsedOnlyOnce(value), let place = index.producers[value], !gone.contains(place),
      graph.nodes[place].opType == opType, graph.nodes[place].isStandard,
      graph.nodes[place].outputs.count == 1
    else { return nil }
    return (place, graph.nodes[place])
  }

  /// The number that a constant is.
  private func number(_ value: String?) -> Float? {
    value.flatMap { index.number($0, in: graph) }
  }

  /// What a node of two inputs takes besides the number `wanted`.
  private func other(_ node: Node, than wanted: Float) -> String? {
    guard node.inputs.count == 2 else { return nil }
    for side in 0..<2 {
      if let found = number(node.inputs[side]), abs(found - wanted) <= 1e-4 * abs(wanted) {
        return node.inputs[1 - side]
      }
    }
    return nil
  }

  /// x sigmoid(x), x hardsigmoid(x)
  private func gate(_ node: Node) -> (String, String, [Int])? {
    guard node.inputs.count == 2 else { return nil }
    for side in 0..<2 {
      let (x, gate) = (node.inputs[1 - side], node.inputs[side])
      if let sigmoid = maker(gate, "Sigmoid"), sigmoid.node.inputs == [x] {
        return ("Silu", x, [sigmoid.place])
      }
      if let hard = maker(gate, "HardSigmoid"), hard.node.inputs == [x],
        abs(hard.node.float("alpha", default: 0.2) - 1 / 6) < 1e-5,
        hard.node.float("beta", default: 0.5) == 0.5
      {
        return ("HardSwish", x, [hard.place])
      }
    }
    return nil
  }

  /// (x clip(x + 3, 0, 6)) / 6
  private func hardSwish(_ node: Node) -> (String, String, [Int])? {
    guard node.inputs.count == 2, number(node.inputs[1]) == 6, let product = maker(node.inputs[0], "Mul"),
      product.node.inputs.count == 2
    else { return nil }
    for side in 0..<2 {
      let x = product.node.inputs[1 - side]
      guard let clip = maker(product.node.inputs[side], "Clip"), bounds(clip.node) == [0, 6],
        let sum = maker(clip.node.input(0), "Add"), other(sum.node, than: 3) == x
      else { continue }
      return ("HardSwish", x, [product.place, clip.place, sum.place])
    }
    return nil
  }

  private func bounds(_ clip: Node) -> [Float?] {
    if clip.inputs.count > 1 { return [number(clip.input(1)), number(clip.input(2))] }
    return [clip.float("min", default: -.infinity), clip.float("max", default: .infinity)]
  }

  /// x (1 + erf(x / sqrt 2)) / 2, the half in front or behind.
  private func gelu(_ node: Node) -> (String, String, [Int])? {
    guard let product = other(node, than: 0.5).flatMap({ maker($0, "Mul") }), product.node.inputs.count == 2
    else { return nil }
    for side in 0..<2 {
      let x = product.node.inputs[1 - side]
      guard let sum = maker(product.node.inputs[side], "Add"),
        let erf = other(sum.node, than: 1).flatMap({ maker($0, "Erf") })
      else { continue }
      let scaled = maker(erf.node.input(0), "Div") ?? maker(erf.node.input(0), "Mul")
      guard let scaled else { continue }
      let factor = (scaled.node.opType == "Div" ? Float(2) : 0.5).squareRoot()
      let isDivided = scaled.node.opType == "Mul" || scaled.node.inputs.first == x
      guard isDivided, other(scaled.node, than: factor) == x else { continue }
      return ("Gelu", x, [product.place, sum.place, erf.place, scaled.place])
    }
    return nil
  }
}
