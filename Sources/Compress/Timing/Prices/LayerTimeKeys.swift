import Forms
import ModelGraph
import Tensors

/// What the times of a layer's forms depend on, in a line each, under which caches keep them.
struct LayerTimeKeys {
  private let layers: [String]

  init(_ model: ModelGraph, _ work: LayerWork, _ timer: any NetworkTimer) {
    let machine = "\(timer.runtime), \(timer.machine), threads \(timer.threads)".replacing("\t", with: " ")
    var readers: [String: [String]] = [:]
    for node in model.main.nodes {
      for input in node.inputs { readers[input, default: []].append(node.opType) }
    }
    layers = zip(work.layers, work.costs).map { layer, cost in
      let node = model.main.nodes[layer.node]
      let settings = ["strides", "dilations", "pads", "auto_pad", "output_padding"].compactMap { name in
        node.attribute(name).map { "\(name) \($0)" }
      }
      let uses = (cost?.uses ?? []).map { "\($0.input)>\($0.output)x\($0.repetitions)" }
      let behind = node.outputs.flatMap { readers[$0] ?? [] }.sorted().joined(separator: "+")
      let kernel = cost.map { "\($0.kernel) g\($0.groups)" } ?? ""
      return ([machine, layer.op.rawValue, kernel] + uses + settings + ["then \(behind)"])
        .joined(separator: ", ").onOneLine.replacing("\t", with: " ")
    }
  }

  subscript(place: Int, form: FactoredForm) -> String { "\(layers[place]), as \(form)" }
}
