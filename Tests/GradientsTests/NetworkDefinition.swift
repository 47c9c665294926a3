import Foundation
import ModelGraph
import Tensors
import Testing

/// A network by the plain definitions of its operators, in Double.
struct NetworkDefinition {
  let model: ModelGraph

  /// All values by name. Those of `replaced` stand in the places of what nodes make.
  func values(
    _ inputs: [String: Tensor<Double>], replaced: [String: Tensor<Double>] = [:]
  ) throws -> [String: Tensor<Double>] {
    var values = inputs.merging(replaced) { $1 }
    for node in model.main.nodes where replaced[node.outputs[0]] == nil {
      let xs = try node.inputs.map { name in
        if let value = values[name] { return value }
        return try #require(try model.main.constants[name]?.floats(), "\(name)").converted(to: Double.self)
      }
      values[node.outputs[0]] = made(node, xs)
    }
    return values
  }

  private func made(_ node: Node, _ xs: [Tensor<Double>]) -> Tensor<Double> {
    let x = xs[0]
    let extents = x.shape.extents
    switch node.opType {
    case "Conv", "ConvTranspose": return convolution(node, xs)
    case "Relu": return x.each { max($0, 0) }
    case "Round": return x.each { $0.rounded(.toNearestOrEven) }
    case "Add": return Tensor(shape: x.shape, elements: zip(x.elements, xs[1].elements).map { $0 + $1 })
    case "Mul": return Tensor(shape: x.shape, elements: zip(x.elements, xs[1].elements).map { $0 * $1 })
    case "Flatten": return x.reshaped([extents[0], x.count / extents[0]])
    case "GlobalAveragePool":
      let positions = extents[2] * extents[3]
      let means = (0..<extents[0] * extents[1]).map { map in
        x.elements[map * positions..<(map + 1) * positions].reduce(0, +) / Double(positions)
      }
      return Tensor(shape: [extents[0], extents[1], 1, 1], elements: means)
    case "MaxPool":
      let (kernel, stride) = (node.ints("kernel_shape") ?? [], node.ints("strides") ?? [1, 1])
      let windows = poolWindows(x, kernel: kernel, stride: stride, before: [0, 0], after: [0, 0])
      let output = (0..<2).map { axis -> Int in (extents[2 + axis] - kernel[axis]) / stride[axis] + 1 }
      let largest = windows.map { window in window.inside.reduce(-Double.infinity) { max($0, $1) } }
      return Tensor(shape: Shape([extents[0], extents[1]] + output), elements: largest)
    case "Concat":
      let images = (0..<extents[0]).flatMap { n in
        xs.flatMap { x in x.elements[n * x.count / extents[0]..<(n + 1) * x.count / extents[0]] }
      }
      let channels = xs.reduce(0) { $0 + $1.shape[1] }
      return Tensor(shape: Shape([extents[0], channels] + extents.dropFirst(2)), elements: images)
    case "Gemm":
      let columns = xs[1].shape[1]
      let c = products(
        x.elements, xs[1].elements, batch: 1, extents[0], extents[1], columns)
      return Tensor(
        shape: [extents[0], columns], elements: c.indices.map { c[$0] + xs[2].elementAt($0 % columns) })
    case "Softmax":
      let columns = extents[1]
      let powers = x.elements.map { exp($0) }
      let shares = powers.indices.map { i -> Double in
        let row = i / columns * columns
        return powers[i] / powers[row..<row + columns].reduce(0, +)
      }
      return Tensor(shape: x.shape, elements: shares)
    default: preconditionFailure("no definition of \(node.opType)")
    }
  }

  /// Convolutions of two axes.
  private func convolution(_ node: Node, _ xs: [Tensor<Double>]) -> Tensor<Double> {
    var definition = ConvolutionDefinition()
    let pads = node.ints("pads") ?? [0, 0, 0, 0]
    definition.stride = [1] + (node.ints("strides") ?? [1, 1])
    (definition.before, definition.after) = ([0] + pads.prefix(2), [0] + pads.suffix(2))
    definition.groups = node.int("group", default: 1)
    let (x, w) = (xs[0].cube, xs[1].cube)
    let bias = xs.count > 2 ? xs[2].elements : nil
    if node.opType == "Conv" {
      let (shape, y) = definition(x, w, bias)
      return Tensor(shape: Shape([shape[0], shape[1], shape[3], shape[4]]), elements: y)
    }
    let extents = (0..<3).map { axis -> Int in
      let reach = definition.stride[axis] * (x.shape[2 + axis] - 1) + w.shape[2 + axis]
      return reach - definition.before[axis] - definition.after[axis]
    }
    let y = definition.transposed(x, w, bias, extents: extents)
    let channels = w.shape[1] * definition.groups
    return Tensor(shape: [x.shape[0], channels, extents[1], extents[2]], elements: y)
  }
}

extension Tensor where Element == Double {
  /// With a third spatial axis of one element in front.
  fileprivate var cube: Tensor<Double> {
    reshaped(Shape(Array(shape.extents.prefix(2)) + [1] + shape.extents.dropFirst(2)))
  }

  fileprivate func each(_ body: (Double) -> Double) -> Tensor<Double> {
    Tensor(shape: shape, elements: elements.map(body))
  }
}
