import Gradients
public import ModelGraph
import TensorFiles
import Tensors

extension ModelGraph {
  /// The network with each factored layer as the one layer again that it was in `original`, with the product of its stages as the
  /// kernel: what it makes stays the same but for rounding, and it can be factored anew, further.
  ///
  ///     K[t, s, (i, j)] = sum over r of  B[t, r, j] A[r, s, i]
  ///
  /// A layer is found by its output's name, which factoring keeps, and its input's; a BatchNormalization that was folded into
  /// it stays folded. What is no chain of stages stays as it is.
  ///
  /// **Throws** `TuneError` where a weight cannot be read.
  ///
  /// **Complexity** one product of matrices a stage.
  public func recomposed(as original: ModelGraph) throws(TuneError) -> ModelGraph {
    var result = self
    let (own, other) = (GraphIndex(main), GraphIndex(original.main))
    var (replacements, removed): ([Int: Node], Set<Int>) = ([:], [])
    for dense in original.main.nodes {
      guard let chain = factoredChain(of: dense, in: original, own, other) else { continue }
      let nodes = chain.places.map { main.nodes[$0] }
      guard let kernel = try composed(nodes, as: dense, own),
        let stored = original.main.constants[dense.inputs[1]]
      else { continue }
      let (last, name) = (nodes[nodes.count - 1], chain.output + "/recomposed.weight")
      var node = dense
      node.outputs = [chain.output]
      if dense.opType == "Gemm" {
        // A shift that the data gave is in the bias together with its factor.
        node.attributes.removeAll { $0.name == "beta" }
        node.attributes += last.attributes.filter { $0.name == "beta" }
      }
      node.inputs = [nodes[0].inputs[0], name] + (last.input(2).map { [$0] } ?? [])
      result.main.constants.append(Constant(name: name, kernel, type: stored.type.elementType ?? .float32))
      removed.formUnion(chain.places)
      if let place = chain.places.last { replacements[place] = node }
    }
    result.main.nodes = main.nodes.indices.compactMap { place in
      replacements[place] ?? (removed.contains(place) ? nil : main.nodes[place])
    }
    let replaced = removed.flatMap { main.nodes[$0].inputs + main.nodes[$0].outputs }
    result.main.removeUnusedValues(among: Set(replaced))
    return result
  }

  /// The stages here that a layer of the original became, and the value that the last one makes.
  private func factoredChain(
    of dense: Node, in original: ModelGraph, _ own: GraphIndex, _ other: GraphIndex
  ) -> (places: [Int], output: String)? {
    guard ["Conv", "ConvTranspose", "Gemm", "MatMul"].contains(dense.opType), dense.isStandard,
      let value = dense.outputs.first, let data = dense.input(0), let weight = dense.input(1),
      original.main.constants[weight] != nil
    else { return nil }
    // Where a BatchNormalization was folded, its output is what the stages make.
    let behind = other.consumers[value]?.first.map { original.main.nodes[$0] }
    let folded = behind.flatMap { $0.opType == "BatchNormalization" ? $0.outputs.first : nil }
    for output in [value] + (folded.map { [$0] } ?? []) {
      guard let places = stages(to: output, from: data, own), places.count > 1 else { continue }
      return (places, output)
    }
    return nil
  }

  /// The nodes that lead from one value to another, each with a constant weight and read by the next alone.
  private func stages(to output: String, from data: String, _ index: GraphIndex) -> [Int]? {
    var (places, value): ([Int], String) = ([], output)
    while value != data {
      guard places.count < 8, let place = index.producers[value] else { return nil }
      let node = main.nodes[place]
      guard ["Conv", "ConvTranspose", "Gemm", "MatMul"].contains(node.opType), node.isStandard,
        let weight = node.input(1), main.constants[weight] != nil, let input = node.input(0),
        places.isEmpty || (index.isUsedOnlyOnce(value) && node.input(2) == nil)
      else { return nil }
      places.append(place)
      value = input
    }
    return places.reversed()
  }

  /// The product of stages, as the weight of a layer; nil where they are no stages of such a one.
  private func composed(
    _ nodes: [Node], as dense: Node, _ index: GraphIndex
  ) throws(TuneError) -> Tensor<Float>? {
    var whole: ComposedKernel?
    for node in nodes {
      let stored: Tensor<Float>?
      do throws(FileError) { stored = try main.constants[node.inputs[1]]?.floats() } catch {
        throw .model(.file(error))
      }
      guard let stored, let stage = ComposedKernel(node, stored) else { return nil }
      guard let before = whole else {
        whole = stage
        continue
      }
      guard let product = before.followed(by: stage) else { return nil }
      whole = product
    }
    return whole?.weight(of: dense)
  }
}

/// A kernel over all pairs of channels, `[T, S, taps]`.
struct ComposedKernel {
  private let kernel: Tensor<Float>
  /// The extents of the taps.
  private let extents: [Int]

  private init(_ kernel: Tensor<Float>, _ extents: [Int]) { (self.kernel, self.extents) = (kernel, extents) }

  /// The kernel of a node; groups are spread over all pairs. Nil for what is no plain stage.
  init?(_ node: Node, _ weight: Tensor<Float>) {
    let shape = weight.shape
    guard shape.order >= 2, shape.count > 0 else { return nil }
    switch node.opType {
    case "MatMul": self.init(weight.permuted([1, 0]), [])
    case "Gemm":
      guard node.int("transA", default: 0) == 0, node.float("alpha", default: 1) == 1 else { return nil }
      self.init(node.int("transB", default: 0) != 0 ? weight : weight.permuted([1, 0]), [])
    default:
      let groups = node.int("group", default: 1)
      let extents = Array(shape.extents.dropFirst(2))
      let taps = extents.reduce(1, *)
      guard groups > 0, shape[0] % groups == 0 else { return nil }
      // A transposed convolution has its inputs first, and the outputs of a group second.
      let isTransposed = node.opType == "ConvTranspose"
      let (rows, columns) = (shape[0] / groups, shape[1])
      var all = Tensor<Float>(shape: [shape[0], groups * columns, taps], repeating: 0)
      all.withMutableSpan { all in
        weight.withSpan { weight in
          for row in 0..<groups * rows {
            for column in 0..<columns {
              let to = (row * groups * columns + row / rows * columns + column) * taps
              for k in 0..<taps { all[to + k] = weight[(row * columns + column) * taps + k] }
            }
          }
        }
      }
      self.init(isTransposed ? all.permuted([1, 0, 2]) : all, extents)
    }
  }

  /// This one and another behind it; nil where both have taps along one axis, or channels do not fit.
  func followed(by next: ComposedKernel) -> ComposedKernel? {
    let (outputs, inner, inputs) = (next.kernel.shape[0], kernel.shape[0], kernel.shape[1])
    guard next.kernel.shape[1] == inner, next.extents.count == extents.count,
      zip(extents, next.extents).allSatisfy({ $0 == 1 || $1 == 1 })
    else { return nil }
    let (own, others) = (extents.reduce(1, *), next.extents.reduce(1, *))
    // [T, taps of the next, R] by [R, S, own taps], whose result has the next one's taps in front of S and the own ones.
    let left = next.kernel.reshaped([outputs, inner, others]).permuted([0, 2, 1])
    let product = left.withSpan { left in
      kernel.withSpan { right in
        Products.multiply(left, right, rows: outputs * others, depth: inner, columns: inputs * own)
      }
    }
    // Along each axis one of the two has one tap: both lists of extents, axis by axis, are the row-major order of the whole.
    let order = extents.count
    let split = product.reshaped(Shape([outputs] + next.extents + [inputs] + extents))
    let axes = [0, 1 + order] + (0..<order).flatMap { [1 + $0, 2 + order + $0] }
    let both = zip(extents, next.extents).map { $0 * $1 }
    return ComposedKernel(split.permuted(axes).reshaped([outputs, inputs, own * others]), both)
  }

  /// The weight of a layer of one node, in its layout; nil where pairs of channels of different groups are not 0.
  func weight(of dense: Node) -> Tensor<Float>? {
    let (outputs, inputs) = (kernel.shape[0], kernel.shape[1])
    switch dense.opType {
    case "MatMul": return kernel.reshaped([outputs, inputs]).permuted([1, 0])
    case "Gemm":
      guard dense.float("alpha", default: 1) == 1, dense.int("transA", default: 0) == 0 else { return nil }
      let matrix = kernel.reshaped([outputs, inputs])
      return dense.int("transB", default: 0) != 0 ? matrix : matrix.permuted([1, 0])
    default:
      let groups = dense.int("group", default: 1)
      guard groups > 0, outputs % groups == 0, inputs % groups == 0 else { return nil }
      let isTransposed = dense.opType == "ConvTranspose"
      let stored = isTransposed ? kernel.permuted([1, 0, 2]) : kernel
      let (rows, columns) = (stored.shape[0] / groups, stored.shape[1] / groups)
      let taps = stored.shape[2]
      let own = Tensor<Float>(shape: Shape([groups * rows, columns] + extents)) { result in
        stored.withSpan { stored in
          for row in 0..<groups * rows {
            let from = (row * groups * columns + row / rows * columns) * taps
            for i in 0..<columns * taps { result[row * columns * taps + i] = stored[from + i] }
          }
        }
      }
      return own
    }
  }
}
