import ModelGraph
import Tensors

/// One layer of a model as a model of its own, with the activation behind it, which runtimes fuse to it.
struct LayerPiece {
  /// The model.
  let model: ModelGraph

  /// The piece around a layer; nil where its extents are unknown.
  init?(_ whole: ModelGraph, _ work: LayerWork, _ place: Int) {
    let layer = work.layers[place]
    guard let cost = work.costs[place], let use = cost.uses?.first else { return nil }
    let node = whole.main.nodes[layer.node]
    var places = [layer.node]
    if let normalization = layer.batchNormalization { places.append(normalization.node) }
    var output = whole.main.nodes[places[places.count - 1]].outputs[0]
    let readers = whole.main.nodes.indices.filter { whole.main.nodes[$0].inputs.contains(output) }
    if readers.count == 1, whole.main.nodes[readers[0]].isActivation {
      places.append(readers[0])
      output = whole.main.nodes[readers[0]].outputs[0]
    }
    var piece = Self.graph(of: places, making: output, in: whole.main)
    let inputs = cost.kernel[1] * cost.groups
    let isTurned = layer.dataSide == 1 || node.int("transA", default: 0) != 0
    let matrix = isTurned ? [inputs, use.repetitions] : [use.repetitions, inputs]
    let extents = layer.op.isConvolution ? [use.repetitions, inputs] + use.input : matrix
    for place in piece.inputs.indices where piece.inputs[place].name == node.inputs[layer.dataSide] {
      piece.inputs[place].type = .tensor(
        DataType(layer.elementType ?? .float32), shape: extents.map(ValueInfo.Dimension.known))
    }
    model = ModelGraph(
      path: whole.path, main: piece, operatorSets: whole.operatorSets, formatVersion: whole.formatVersion,
      externalFiles: whole.externalFiles)
  }

  /// Some nodes with the constants that they read; what else they read are inputs.
  private static func graph(of places: [Int], making output: String, in main: Graph) -> Graph {
    let nodes = places.map { main.nodes[$0] }
    let made = Set(nodes.flatMap(\.outputs))
    var graph = Graph(name: main.name)
    for name in Set(nodes.flatMap(\.inputs)).subtracting(made).sorted() where !name.isEmpty {
      if let constant = main.constants[name] {
        graph.constants.append(constant)
      } else if let node = main.nodes.first(where: { $0.opType == "Constant" && $0.outputs.contains(name) }) {
        graph.nodes.append(node)
      } else {
        graph.inputs.append(ValueInfo(name: name))
      }
    }
    graph.nodes += nodes
    graph.outputs = [ValueInfo(name: output)]
    return graph
  }
}
