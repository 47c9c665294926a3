import ModelGraph
import Network
import TensorFiles
import Tensors

/// What gradients are of.
enum GradientVariables {
  /// The constants that rules take for weights.
  case weights
  /// Values that nodes make, or inputs.
  case values(Set<String>)

  /// Why a node without a rule is in the way.
  var obstacle: String {
    switch self {
    case .weights:
      "it lies behind weights: name a value in front of it as the output to match"
    case .values: "it lies between a value whose gradient is asked for and an output"
    }
  }
}

/// Reads the nodes of a model: which are on the way from a weight, or a value that the gradient of is asked for, to an output,
/// and their rules.
struct DifferentiableGraphLoader {
  private(set) var parameters: [Parameter] = []
  private(set) var nodes: [DifferentiableNode] = []
  private(set) var constants: [String: NetworkTensor] = [:]
  private let model: ModelGraph
  private let variables: GradientVariables

  /// `model` has no nodes that no output depends on.
  init(_ model: ModelGraph, of variables: GradientVariables) throws(GradientError) {
    (self.model, self.variables) = (model, variables)
    // What depends on a variable, and these themselves.
    var depends: Set<String>
    switch variables {
    case .weights: depends = try findParameters()
    case .values(let names): depends = names.filter { model.main.constants[$0] == nil }
    }
    for node in model.main.nodes {
      let isActive = node.inputs.contains { depends.contains($0) }
      if isActive { depends.formUnion(node.outputs.filter { !$0.isEmpty }) }
      nodes.append(try load(node, isActive: isActive, depends: depends))
    }
  }

  /// The constants that rules take for weights.
  private mutating func findParameters() throws(GradientError) -> Set<String> {
    var names = Set<String>()
    for node in model.main.nodes {
      guard let rule = GradientTable.rule(for: node) else { continue }
      for place in rule.weightPlaces {
        if let name = node.input(place) { names.insert(name) }
      }
    }
    names.formUnion(biases(behind: names))
    var weights = Set<String>()
    for name in names.sorted() {
      guard let constant = model.main.constants[name], let type = constant.type.elementType,
        constant.hasFloats
      else { continue }
      do throws(FileError) {
        guard let value = try constant.floats(), value.count > 0 else { continue }
        parameters.append(Parameter(name: name, type: type, start: value))
        weights.insert(name)
      } catch { throw .model(.file(error)) }
    }
    return weights
  }

  /// Vectors that are added to what a product with a weight makes, as exporters write the bias of a MatMul.
  private func biases(behind weights: Set<String>) -> [String] {
    var products = Set<String>()
    for node in model.main.nodes
    where node.opType == "MatMul" && node.inputs.contains(where: { weights.contains($0) && isConstant($0) }) {
      products.formUnion(node.outputs)
    }
    return model.main.nodes.filter { $0.opType == "Add" && $0.isStandard }.flatMap { node in
      node.inputs.contains { products.contains($0) }
        ? node.inputs.filter { (model.main.constants[$0]?.shape?.order ?? 0) == 1 } : []
    }
  }

  private func isConstant(_ name: String) -> Bool { model.main.constants[name] != nil }

  private mutating func load(
    _ node: Node, isActive: Bool, depends: Set<String>
  ) throws(GradientError) -> DifferentiableNode {
    let settings = NodeSettings(node: node, opset: model.opsetVersion)
    var rule: (any GradientRule)?
    if isActive {
      guard let type = GradientTable.rule(for: node) else {
        throw settings.failure("there is no gradient for this operator, and \(variables.obstacle)")
      }
      rule = try type.init(settings)
    }
    // Floating-point constants are given with each run, so that a rule can have them and put others in their places.
    var variables = Set<Int>()
    for (place, name) in node.inputs.enumerated() where !name.isEmpty {
      guard let constant = model.main.constants[name] else {
        variables.insert(place)
        continue
      }
      if depends.contains(name) { variables.insert(place) }
      guard isActive else { continue }
      if constants[name] == nil { constants[name] = try tensor(constant) }
      if constant.hasFloats, rule.map({ type(of: $0).givenPlaces?.contains(place) ?? true }) ?? false {
        variables.insert(place)
      }
    }
    // A value that is given stands at all its places.
    let names = Set(variables.map { node.inputs[$0] })
    for (place, name) in node.inputs.enumerated() where names.contains(name) { variables.insert(place) }
    let runner = NodeRunner(settings, variables: variables, in: model)
    return DifferentiableNode(
      settings: settings, rule: rule, runner: runner, wanted: node.inputs.map { depends.contains($0) })
  }

  private func tensor(_ constant: Constant) throws(GradientError) -> NetworkTensor? {
    do throws(FileError) {
      if let floats = try constant.floats() { return NetworkTensor(floats) }
    } catch { throw .model(.file(error)) }
    return constant.integers.flatMap { integers in
      constant.shape.map { NetworkTensor(shape: $0, integers: integers, type: constant.type) }
    }
  }
}
