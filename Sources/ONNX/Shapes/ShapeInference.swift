import Tensors

/// One number an axis; nil where it is not known.
typealias Extents = [Int?]

/// Works out the extents of a graph's values, so that the multiplies of its layers can be counted.
///
/// Covers the operators of convolutional networks, and the arithmetic on shapes that exporters write out as nodes. A
/// value of any other operator has the extents that the file gives in `value_info`, or none. Nothing is rewritten by
/// what is found here; a wrong guess would show in a report only.
struct ShapeInference {
  let graph: GraphProto
  let opset: Int
  let index: GraphIndex
  /// Extents by value.
  private(set) var extents: [String: Extents] = [:]
  /// The elements of small integer values that are known beforehand, by value.
  private(set) var integers: [String: [Int?]] = [:]

  /// Runs through the graph once.
  ///
  /// **Shapes** `inputs` gives extents of graph inputs in place of those in the file. `trustsFile` says whether the
  /// file's own `value_info` holds.
  init(graph: GraphProto, opset: Int, inputs: [String: [Int]], trustsFile: Bool) {
    self.graph = graph
    self.opset = opset
    index = GraphIndex(graph)
    for tensor in graph.initializer { learn(tensor, as: tensor.name) }
    for input in graph.input where extents[input.name] == nil {
      extents[input.name] = Self.plausible(inputs[input.name] ?? Self.withBatchOfOne(input.extents))
    }
    let described = Dictionary(
      (graph.valueInfo + graph.output).compactMap { info in info.extents.map { (info.name, $0) } },
      uniquingKeysWith: { first, _ in first })
    for node in graph.node {
      let found = node.isStandard ? outputs(of: node) : []
      for (place, name) in node.output.enumerated() where !name.isEmpty {
        extents[name] = Self.plausible(
          merge(place < found.count ? found[place] : nil, trustsFile ? described[name] : nil))
      }
      if node.isStandard, let first = node.output.first { integers[first] = integerElements(of: node) }
    }
  }

  /// An open first axis is taken for the batch, and the batch for one.
  private static func withBatchOfOne(_ extents: Extents?) -> Extents? {
    guard var extents, !extents.isEmpty else { return extents }
    extents[0] = extents[0] ?? 1
    return extents
  }

  /// Extents from 0 to 2^40 of at most `mostAxes` axes; others count as unknown.
  private static func plausible(_ extents: Extents?) -> Extents? {
    guard let extents, extents.count <= mostAxes else { return nil }
    return extents.map { $0.flatMap { (0...1 << 40).contains($0) ? $0 : nil } }
  }

  private func merge(_ found: Extents?, _ described: Extents?) -> Extents? {
    guard let found else { return described }
    guard let described, described.count == found.count else { return found }
    return zip(found, described).map { $0 ?? $1 }
  }

  private mutating func learn(_ tensor: TensorProto, as name: String) {
    extents[name] = Self.plausible(tensor.shape?.extents)
    if let values = tensor.integers, values.count <= Self.mostIntegers { integers[name] = values }
  }

  /// Shapes have a few elements; anything longer is data.
  static let mostIntegers = 64

  /// As in NumPy. Without a bound, a chain of nodes that each double the axes fills the memory.
  static let mostAxes = 64

  func extents(_ node: NodeProto, _ place: Int) -> Extents? {
    node.input(place).flatMap { extents[$0] }
  }

  func integers(_ node: NodeProto, _ place: Int) -> [Int?]? {
    node.input(place).flatMap { integers[$0] }
  }

  /// Integers that an operator takes as an input, or as an attribute in older versions; nil unless all are known.
  func knownIntegers(_ node: NodeProto, input place: Int, attribute name: String) -> [Int]? {
    if let values = node.ints(name) { return values }
    guard let values = integers(node, place) else { return nil }
    let known = values.compactMap { $0 }
    return known.count == values.count ? known : nil
  }

  /// An axis counted from the end where negative; nil where out of range.
  func axis(_ value: Int, order: Int) -> Int? {
    let axis = value < 0 ? value + order : value
    return axis >= 0 && axis < order ? axis : nil
  }

  /// The extents of a node's outputs, as far as they can be told.
  private func outputs(of node: NodeProto) -> [Extents?] {
    let operators: [(NodeProto) -> [Extents?]?] = [
      elementwise, spatial, matrices, layout, reductions, sources,
    ]
    for family in operators {
      if let result = family(node) { return result }
    }
    return []
  }
}

/// The product of extents, nil where it overflows or one is unknown.
func product(_ extents: some Sequence<Int?>) -> Int? { CheckedInteger.product(extents).value }

/// Extents after NumPy's broadcasting; nil where they do not fit.
func broadcast(_ a: Extents, _ b: Extents) -> Extents? {
  let order = max(a.count, b.count)
  let (x, y) = (
    Extents(repeating: 1, count: order - a.count) + a, Extents(repeating: 1, count: order - b.count) + b
  )
  var result: Extents = []
  for (p, q) in zip(x, y) {
    switch (p, q) {
    case (1, _): result.append(q)
    case (_, 1): result.append(p)
    case (nil, _): result.append(q)
    case (_, nil): result.append(p)
    default:
      guard p == q else { return nil }
      result.append(p)
    }
  }
  return result
}
