import Conv
import ModelGraph
import Tensors

/// What becomes steps for each size anew: a node, or several that a pass made one of.
protocol Lowering: Sendable {
  /// Adds the steps for inputs of known shapes, and returns the outputs.
  ///
  /// An input that is left out is nil, and so is one that the operator took up when it was made. `outputs` are the names of
  /// what is wanted, empty where nobody does.
  ///
  /// **Throws** where shapes do not fit, or the elements of an input have to be known.
  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value]
}

/// A node of a network, read and checked when the network is loaded.
protocol Operator: Lowering {
  /// The standard's names of the operators that the type stands for.
  static var opTypes: [String] { get }

  /// Reads a node's settings.
  ///
  /// **Throws** where the node contradicts itself, or asks for what there is not.
  init(_ node: NodeReader) throws(NetworkError)
}

/// An operator that may be an activation, which a product in front of it can take up.
protocol ActivationOperator: Operator {
  /// The activation; nil where it is something else.
  var activation: Activation? { get }
}

/// A node as operators read it: whatever setting it has that its operator does not ask for is an error.
final class NodeReader {
  let node: Node
  /// The version of the standard's operators.
  let opset: Int
  /// How the network runs.
  let options: NetworkOptions
  /// The graph that the node is in, for its constants.
  let graph: Graph
  private let outerConstant: (String) -> Constant?
  private let loadGraph: (Graph) throws(NetworkError) -> LoadedGraph
  private var known: Set<String> = []
  /// The inputs that the operator took up.
  private(set) var takenInputs: Set<Int> = []
  /// The values around bodies that the bodies take: they are inputs of the node behind its own.
  private(set) var captured: [String] = []

  init(
    _ node: Node, opset: Int, options: NetworkOptions, graph: Graph,
    outerConstant: @escaping (String) -> Constant?,
    loadGraph: @escaping (Graph) throws(NetworkError) -> LoadedGraph
  ) {
    (self.node, self.opset, self.options, self.graph) = (node, opset, options, graph)
    (self.outerConstant, self.loadGraph) = (outerConstant, loadGraph)
  }

  var opType: String { node.opType }
  var outputCount: Int { node.outputs.count }

  /// An error of this node.
  func failure(_ reason: String) -> NetworkError {
    .node(name: node.displayName, opType: node.opType, reason: reason)
  }

  /// Whether a setting is there.
  func has(_ name: String) -> Bool {
    known.insert(name)
    return node.attribute(name) != nil
  }

  /// An integer.
  func int(_ name: String, default value: Int) throws(NetworkError) -> Int {
    known.insert(name)
    switch node.attribute(name) {
    case nil: return value
    case .int(let given): return given
    default: throw failure("the attribute '\(name)' is no integer")
    }
  }

  /// A truth value.
  func flag(_ name: String, default value: Bool = false) throws(NetworkError) -> Bool {
    try int(name, default: value ? 1 : 0) != 0
  }

  /// A number.
  func float(_ name: String, default value: Float) throws(NetworkError) -> Float {
    known.insert(name)
    switch node.attribute(name) {
    case nil: return value
    case .float(let given): return given
    default: throw failure("the attribute '\(name)' is no number")
    }
  }

  /// Integers; nil where they are left out.
  func ints(_ name: String) throws(NetworkError) -> [Int]? {
    known.insert(name)
    switch node.attribute(name) {
    case nil: return nil
    case .ints(let given): return given
    default: throw failure("the attribute '\(name)' is no list of integers")
    }
  }

  /// Numbers; nil where they are left out.
  func floats(_ name: String) throws(NetworkError) -> [Float]? {
    known.insert(name)
    switch node.attribute(name) {
    case nil: return nil
    case .floats(let given): return given
    default: throw failure("the attribute '\(name)' is no list of numbers")
    }
  }

  /// Text.
  func string(_ name: String, default value: String) throws(NetworkError) -> String {
    known.insert(name)
    guard node.attribute(name) != nil else { return value }
    guard let given = node.string(name) else { throw failure("the attribute '\(name)' is no text") }
    return given
  }

  /// Texts; nil where they are left out.
  func texts(_ name: String) throws(NetworkError) -> [String]? {
    known.insert(name)
    switch node.attribute(name) {
    case nil: return nil
    case .strings(let given): return given.map { String(decoding: $0.bytesInMemory ?? [], as: UTF8.self) }
    default: throw failure("the attribute '\(name)' is no list of texts")
    }
  }

  /// A text out of those there are.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, default value: Choice
  ) throws(NetworkError) -> Choice where Choice.RawValue == String {
    let text = try string(name, default: value.rawValue)
    guard let choice = Choice(rawValue: text) else {
      let all = Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      throw failure("the attribute '\(name)' is '\(text)', not one of \(all)")
    }
    return choice
  }

  /// A body, such as a branch of `If`.
  func body(_ name: String) throws(NetworkError) -> LoadedGraph {
    known.insert(name)
    guard case .graph(let graph)? = node.attribute(name) else {
      throw failure("the attribute '\(name)' is no graph")
    }
    for name in graph.namesFromOutside where !captured.contains(name) { captured.append(name) }
    return try loadGraph(graph)
  }

  /// A tensor; nil where it is left out.
  func tensor(_ name: String) throws(NetworkError) -> NetworkTensor? {
    known.insert(name)
    switch node.attribute(name) {
    case nil: return nil
    case .tensor(let constant): return try tensor(of: constant)
    default: throw failure("the attribute '\(name)' is no tensor")
    }
  }

  /// Settings that change nothing here.
  func ignore(_ names: String...) { known.formUnion(names) }

  /// The elements of a constant.
  func tensor(of constant: Constant) throws(NetworkError) -> NetworkTensor {
    try NetworkTensor(constant) { reason in failure(reason) }
  }

  /// An input that is a constant, which the operator takes up: it is not an input of the steps any more. Nil where the
  /// input is left out or no constant.
  func takeConstant(_ place: Int) throws(NetworkError) -> NetworkTensor? {
    guard let name = node.input(place), let constant = graph.constants[name] ?? outerConstant(name) else {
      return nil
    }
    takenInputs.insert(place)
    return try tensor(of: constant)
  }

  /// Whether an input is a constant.
  func isConstant(_ place: Int) -> Bool {
    node.input(place).map { graph.constants[$0] != nil || outerConstant($0) != nil } ?? false
  }

  /// The extents of an input that is a constant; nil for others.
  func constantExtents(_ place: Int) throws(NetworkError) -> [Int]? {
    guard let name = node.input(place) else { return nil }
    return (graph.constants[name] ?? outerConstant(name))?.shape?.extents
  }

  /// Checks that there is no setting that nobody asked for.
  func requireNothingElse() throws(NetworkError) {
    for attribute in node.attributes where !known.contains(attribute.name) {
      throw failure("the attribute '\(attribute.name)' is not known")
    }
  }
}

extension NetworkTensor {
  /// The elements of a constant.
  init(_ constant: Constant, failure: (String) -> NetworkError) throws(NetworkError) {
    guard let kind = ElementKind(constant.type), let shape = constant.shape else {
      throw failure(
        "there is no arithmetic here for the constant '\(constant.name)' of type \(constant.type)")
    }
    do {
      switch kind {
      case .float:
        guard let floats = try constant.floats() else {
          throw failure("the constant '\(constant.name)' is broken")
        }
        self.init(floats, type: constant.type)
      case .integer:
        guard let integers = try constant.wholeNumbers() else {
          throw failure("the constant '\(constant.name)' is broken")
        }
        self.init(shape: shape, integers: integers, type: constant.type)
      }
    } catch let error as NetworkError { throw error } catch { throw failure("\(error)") }
  }
}
