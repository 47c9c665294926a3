internal import Tensors

/// One number an axis; nil where it is not known.
package typealias Extents = [Int?]

/// Works out the extents of a graph's values: what the multiplies of its layers are counted by, and what nodes that only
/// reckon with shapes come to.
///
/// Covers the operators of convolutional networks, and the arithmetic on shapes that exporters write out as nodes. A
/// value of any other operator has the extents that the file gives in `value_info`, where that is trusted, or none.
package struct ShapeInference {
  let graph: Graph
  let opset: Int
  let index: GraphIndex
  /// Extents by value.
  package private(set) var extents: [String: Extents] = [:]
  /// The elements of small values of whole numbers that are known beforehand, by value, row-major.
  package private(set) var integers: [String: [Int?]] = [:]
  /// What the elements of those are.
  package private(set) var types: [String: DataType] = [:]

  /// Runs through the graph once.
  package init(graph: Graph, opset: Int, assumptions: ShapeAssumptions) {
    self.graph = graph
    self.opset = opset
    index = GraphIndex(graph)
    for constant in graph.constants { learn(constant) }
    for input in graph.inputs where extents[input.name] == nil {
      extents[input.name] = Self.plausible(assumptions.extents(of: input))
    }
    let described = Dictionary(
      (graph.valueInfo + graph.outputs).compactMap { info in info.extents.map { (info.name, $0) } },
      uniquingKeysWith: { first, _ in first })
    for node in graph.nodes {
      let found = node.isStandard ? outputs(of: node) : []
      for (place, name) in node.outputs.enumerated() where !name.isEmpty {
        extents[name] = Self.plausible(
          merge(place < found.count ? found[place] : nil, assumptions.trustsFile ? described[name] : nil))
      }
      if node.isStandard, let first = node.outputs.first { learnElements(of: node, as: first) }
    }
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

  private mutating func learn(_ constant: Constant) {
    extents[constant.name] = Self.plausible(constant.shape?.extents)
    guard let values = constant.integers, values.count <= Self.mostIntegers else { return }
    (integers[constant.name], types[constant.name]) = (values, constant.type)
  }

  private mutating func learnElements(of node: Node, as name: String) {
    guard let type = elementType(of: node), let elements = integerElements(of: node) else { return }
    if let extents = extents[name], let count = product(extents), count != elements.count { return }
    types[name] = type
    integers[name] = elements.map { element in element.flatMap { type.holds($0) ? $0 : nil } }
  }

  /// Shapes have a few elements; anything longer is data.
  static let mostIntegers = 64

  /// As in NumPy. Without a bound, a chain of nodes that each double the axes fills the memory.
  static let mostAxes = 64

  func extents(_ node: Node, _ place: Int) -> Extents? {
    node.input(place).flatMap { extents[$0] }
  }

  func integers(_ node: Node, _ place: Int) -> [Int?]? {
    node.input(place).flatMap { integers[$0] }
  }

  /// The elements of a small constant of floating-point numbers.
  func numbers(_ node: Node, _ place: Int) -> [Float]? {
    guard let constant = node.input(place).flatMap({ index.constant($0, in: graph) }),
      let count = constant.shape?.count, count <= Self.mostIntegers
    else { return nil }
    return (try? constant.floats())?.elements
  }

  /// Integers that an operator takes as an input, or as an attribute in older versions; nil unless all are known.
  func knownIntegers(_ node: Node, input place: Int, attribute name: String) -> [Int]? {
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
  private func outputs(of node: Node) -> [Extents?] {
    let operators: [(Node) -> [Extents?]?] = [
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
