import ModelGraph
import TensorFiles
import Tensors

extension Graph {
  /// What a layer adds to each output channel, [T]: its bias, or what is left of a BatchNormalization that is folded into
  /// it; nil where that is not one constant a channel.
  func offset(of layer: FactorableLayer) -> [Double]? {
    if let normalization = layer.batchNormalization { return normalization.shift }
    guard let outputs = layer.kernelShape?[0] else { return nil }
    let node = nodes[layer.node]
    guard layer.op != .matMul, let name = node.input(2) else { return [Double](repeating: 0, count: outputs) }
    guard let constant = GraphIndex(self).constant(name, in: self), let values = try? constant.floats() else {
      return nil
    }
    let isRow = values.shape.extents.dropLast().allSatisfy { $0 == 1 }
    guard isRow, values.count == outputs || values.count == 1 else { return nil }
    let beta = layer.op == .gemm ? Double(node.float("beta", default: 1)) : 1
    let numbers = values.elements.map { beta * Double($0) }
    return numbers.count == outputs ? numbers : [Double](repeating: numbers[0], count: outputs)
  }
}
