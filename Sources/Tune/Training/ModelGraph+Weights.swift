public import ModelGraph
public import Tensors

extension ModelGraph {
  /// Puts weights in the places of those of the same names: constants of the graph, or what `Constant` nodes hold. Everything
  /// else stays as it is.
  ///
  /// **Shapes** as the constants have them.
  ///
  /// **Traps** where a weight is no constant of the model.
  public mutating func setWeights(_ weights: [String: Tensor<Float>]) {
    for (name, value) in weights.sorted(by: { $0.key < $1.key }) {
      if let constant = main.constants[name] {
        main.constants[name] = constant.holding(value)
        continue
      }
      guard let place = main.nodes.firstIndex(where: { $0.opType == "Constant" && $0.outputs == [name] }),
        case .tensor(let constant)? = main.nodes[place].attribute("value")
      else { preconditionFailure("'\(name)' is no constant of \(path)") }
      for i in main.nodes[place].attributes.indices where main.nodes[place].attributes[i].name == "value" {
        main.nodes[place].attributes[i].value = .tensor(constant.holding(value))
      }
    }
  }
}

extension ModelGraph {
  /// **Throws** `TuneError.graph` where weights are stored in fewer bits and made longer by a node: what is behind it is no
  /// constant, and would stay as it is while the rest is tuned around it.
  func requireWholeWeights() throws(TuneError) {
    for node in main.nodes where ["Cast", "DequantizeLinear"].contains(node.opType) {
      guard let name = node.inputs.first, let constant = main.constants[name], constant.extents.count > 1,
        [.float16, .bfloat16, .int8, .uint8].contains(constant.type)
      else { continue }
      throw .graph(
        reason:
          "the weight '\(name)' is stored as \(constant.type), which is not tuned: tune the network as it was before, and store its"
          + " weights so afterwards, lowrank compress TUNED.onnx --error 0 --weights ...")
    }
  }
}

extension Constant {
  /// The constant with other elements, stored as it is.
  fileprivate func holding(_ value: Tensor<Float>) -> Constant {
    var changed = self
    changed.elements = Constant(name: name, value, type: type.elementType ?? .float32).elements
    return changed
  }
}
