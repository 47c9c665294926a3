import ModelGraph
import Tensors

/// The value of a graph by its operators' definitions, in Double and by plain loops: Conv, ConvTranspose, Gemm, MatMul and
/// Relu, which is what the models of `Vectors` that are rewritten consist of.
///
/// With `ofMagnitudes` every number counts by its magnitude: the result is |W| |x|, what rounding errors are measured by.
struct GraphEvaluation {
  private(set) var values: [String: Tensor<Double>] = [:]
  /// The most products that one number of the result goes through, one after the other.
  private(set) var products = 0
  private let ofMagnitudes: Bool

  init(_ graph: Graph, inputs: [String: Tensor<Double>], ofMagnitudes: Bool = false) throws {
    self.ofMagnitudes = ofMagnitudes
    let index = GraphIndex(graph)
    for (name, tensor) in inputs { values[name] = sized(tensor) }
    for node in graph.nodes {
      for input in node.inputs where values[input] == nil {
        values[input] = try index.constant(input, in: graph)?.floats().map { sized($0.converted()) }
      }
      if node.opType == "Constant" {
        // One that holds a tensor is read like an initializer, where it is used.
        guard let list = node.floats("value_floats") else { continue }
        values[node.outputs[0]] = sized(Tensor(shape: [list.count], elements: list.map { Double($0) }))
        continue
      }
      values[node.outputs[0]] = try result(of: node)
    }
  }

  private func sized(_ tensor: Tensor<Double>) -> Tensor<Double> {
    ofMagnitudes ? Tensor(shape: tensor.shape, elements: tensor.elements.map(abs)) : tensor
  }

  private struct Unsupported: Error { let what: String }

  private mutating func result(of node: Node) throws -> Tensor<Double> {
    let arguments = try node.inputs.map { name in
      guard let value = values[name] else { throw Unsupported(what: "the value \(name)") }
      return value
    }
    switch node.opType {
    case "Conv": return convolution(node, arguments, transposed: false)
    case "ConvTranspose": return convolution(node, arguments, transposed: true)
    case "Gemm": return gemm(node, arguments)
    case "MatMul": return product(arguments[0], arguments[1])
    case "Relu":
      return Tensor(shape: arguments[0].shape, elements: arguments[0].elements.map { max(0, $0) })
    default: throw Unsupported(what: "the operator \(node.opType)")
    }
  }

  // MARK: Convolutions

  /// Conv, or with `transposed` its transpose, in which input and output change their parts: the position o of the one and
  /// i of the other meet at the tap k where o stride + k dilation - pad = i.
  private mutating func convolution(
    _ node: Node, _ arguments: [Tensor<Double>], transposed: Bool
  ) -> Tensor<Double> {
    let (x, w) = (arguments[0], arguments[1])
    let window = Window(node, input: x.shape, weight: w.shape, transposed: transposed)
    let groups = node.int("group", default: 1)
    let outputs = transposed ? w.shape[1] * groups : w.shape[0]
    let (groupInputs, groupOutputs) = (x.shape[1] / groups, outputs / groups)
    products += groupInputs * window.taps.count + 1
    var y = Tensor<Double>(shape: Shape([x.shape[0], outputs] + window.outputs))
    let (inner, outer) = (x.count / (x.shape[0] * x.shape[1]), y.count / (x.shape[0] * outputs))
    let pairs = window.pairs()
    y.withMutableSpan { y in
      for image in 0..<x.shape[0] {
        for t in 0..<outputs {
          let target = (image * outputs + t) * outer
          if arguments.count > 2 { for o in 0..<outer { y[target + o] = arguments[2][t] } }
          for s in 0..<groupInputs {
            let channel = t / groupOutputs * groupInputs + s
            let source = (image * x.shape[1] + channel) * inner
            let first = transposed ? channel * groupOutputs + t % groupOutputs : t * groupInputs + s
            x.withSpan { x in
              w.withSpan { w in
                for pair in pairs {
                  y[target + pair.output] += w[first * window.taps.count + pair.tap] * x[source + pair.input]
                }
              }
            }
          }
        }
      }
    }
    return y
  }

  // MARK: Matrices

  private mutating func gemm(_ node: Node, _ arguments: [Tensor<Double>]) -> Tensor<Double> {
    func sized(_ value: Float) -> Double { ofMagnitudes ? abs(Double(value)) : Double(value) }
    let a = node.int("transA", default: 0) != 0 ? arguments[0].permuted([1, 0]) : arguments[0]
    let b = node.int("transB", default: 0) != 0 ? arguments[1].permuted([1, 0]) : arguments[1]
    let (alpha, beta) = (sized(node.float("alpha", default: 1)), sized(node.float("beta", default: 1)))
    let c = arguments.count > 2 ? arguments[2].elements : [0]
    return Tensor(
      shape: [a.shape[0], b.shape[1]],
      elements: product(a, b).elements.enumerated().map { alpha * $1 + beta * c[$0 % c.count] })
  }

  /// A product of matrices; either factor may have a batch axis in front.
  private mutating func product(_ a: Tensor<Double>, _ b: Tensor<Double>) -> Tensor<Double> {
    let (m, k, n) = (a.shape[a.shape.order - 2], a.shape[a.shape.order - 1], b.shape[b.shape.order - 1])
    let batch = Array((a.shape.order > 2 ? a : b).shape.extents.dropLast(2))
    let (x, y) = (a.elements, b.elements)
    products += k + 1
    var result: [Double] = []
    for image in 0..<batch.reduce(1, *) {
      let (first, second) = (a.shape.order > 2 ? image * m * k : 0, b.shape.order > 2 ? image * k * n : 0)
      for i in 0..<m {
        for j in 0..<n {
          var sum = 0.0
          for l in 0..<k { sum += x[first + i * k + l] * y[second + l * n + j] }
          result.append(sum)
        }
      }
    }
    return Tensor(shape: Shape(batch + [m, n]), elements: result)
  }
}

/// The positions of a convolution that meet, over any number of spatial axes.
private struct Window {
  let taps: Shape
  let inputs: [Int]
  let outputs: [Int]
  private let transposed: Bool
  private let (strides, dilations, before): ([Int], [Int], [Int])

  init(_ node: Node, input: Shape, weight: Shape, transposed: Bool) {
    let inputs = Array(input.extents.dropFirst(2))
    let kernel = Array(weight.extents.dropFirst(2))
    let axes = inputs.count
    let strides = node.ints("strides") ?? inputs.map { _ in 1 }
    let dilations = node.ints("dilations") ?? inputs.map { _ in 1 }
    var pads = node.ints("pads") ?? [Int](repeating: 0, count: 2 * axes)
    let extra = node.ints("output_padding") ?? inputs.map { _ in 0 }
    let covered = zip(dilations, kernel).map { $0 * ($1 - 1) + 1 }
    if let mode = node.string("auto_pad"), mode.hasPrefix("SAME") {
      for axis in 0..<axes {
        let outputs = (inputs[axis] + strides[axis] - 1) / strides[axis]
        let total = max(0, (outputs - 1) * strides[axis] + covered[axis] - inputs[axis])
        pads[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
        pads[axis + axes] = total - pads[axis]
      }
    }
    outputs = (0..<axes).map { axis in
      let both = pads[axis] + pads[axis + axes]
      return transposed
        ? strides[axis] * (inputs[axis] - 1) + extra[axis] + covered[axis] - both
        : (inputs[axis] + both - covered[axis]) / strides[axis] + 1
    }
    (self.inputs, self.transposed, taps) = (inputs, transposed, Shape(kernel))
    (self.strides, self.dilations, before) = (strides, dilations, Array(pads.prefix(axes)))
  }

  /// Every position of the output with every tap that does not fall into the padding.
  func pairs() -> [(output: Int, tap: Int, input: Int)] {
    // The positions that the stride steps over are those of the larger side: a transposed convolution's output.
    let (coarse, fine) = transposed ? (Shape(inputs), Shape(outputs)) : (Shape(outputs), Shape(inputs))
    var pairs: [(output: Int, tap: Int, input: Int)] = []
    for position in 0..<coarse.count {
      for tap in 0..<taps.count {
        var other = 0
        var isInside = true
        for axis in strides.indices {
          let at = position / coarse.strides[axis] % coarse[axis]
          let reach = tap / taps.strides[axis] % taps[axis]
          let place = at * strides[axis] + reach * dilations[axis] - before[axis]
          isInside = isInside && place >= 0 && place < fine[axis]
          other = other * fine[axis] + place
        }
        guard isInside else { continue }
        pairs.append(transposed ? (other, tap, position) : (position, tap, other))
      }
    }
    return pairs
  }
}
