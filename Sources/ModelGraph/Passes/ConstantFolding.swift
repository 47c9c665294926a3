internal import Tensors

/// Turns into constants what is known before the model is run: `Constant` nodes, constants under another name, and arithmetic on
/// shapes.
///
/// Exporters write shapes out as nodes: `Shape`, `Gather`, `Concat`, `Reshape`; and weights that layers share as an `Identity` of
/// one. What follows from the model's inputs and
/// from `inputShapes` is folded; an extent that is open stays open. What the file says of values in between is not
/// relied on.
///
/// **Accuracy** exact: of computed values integers and truth values only.
///
/// **Complexity** one walk over the nodes.
public struct ConstantFolding: GraphPass {
  /// `constants`
  public static var name: String { "constants" }

  /// The extents of inputs by name, in place of those in the file.
  public var inputShapes: [String: [Int]]

  /// The pass for inputs of these extents.
  public init(inputShapes: [String: [Int]] = [:]) { self.inputShapes = inputShapes }

  /// Folds; each value that becomes a constant is named.
  public func apply(to model: inout ModelGraph) throws(ModelError) -> [PassNote] {
    let shapes = ShapeInference(
      graph: model.main, opset: model.opsetVersion,
      assumptions: ShapeAssumptions(inputs: inputShapes, trustsFile: false, takesBatchForOne: false))
    let outputs = shapes.index.outputs
    var (notes, kept): ([PassNote], [Node]) = ([], [])
    var released = Set<String>()
    for node in model.main.nodes {
      guard node.outputs.count == 1, let value = node.outputs.first, !value.isEmpty,
        !outputs.contains(value),
        let constant = node.constant(named: value) ?? model.main.constant(behind: node)
          ?? shapes.constant(named: value)
      else {
        kept.append(node)
        continue
      }
      model.add(constant)
      released.formUnion(node.inputs)
      notes.append(note(value, "\(node.opType) is known beforehand"))
    }
    guard !notes.isEmpty else { return [] }
    model.main.nodes = kept
    model.main.removeUnusedValues(among: released)
    return notes
  }
}

extension Node {
  /// What a `Constant` node holds, as a constant of the graph.
  fileprivate func constant(named name: String) -> Constant? {
    guard opType == "Constant", isStandard, attributes.count == 1 else { return nil }
    switch (attributes[0].name, attributes[0].value) {
    case ("value", .tensor(var tensor)):
      tensor.name = name
      return tensor
    case ("value_int", .int(let value)): return Constant(name: name, [value], extents: [])
    case ("value_ints", .ints(let values)): return Constant(name: name, values)
    case ("value_float", .float(let value)):
      return Constant(name: name, Tensor(shape: [], elements: [value]), type: .float32)
    case ("value_floats", .floats(let values)):
      return Constant(name: name, Tensor(shape: [values.count], elements: values), type: .float32)
    default: return nil
    }
  }
}

extension Graph {
  /// The constant that an `Identity` gives another name, under that; nil where a caller may put another in its place.
  fileprivate func constant(behind node: Node) -> Constant? {
    guard node.opType == "Identity", node.isStandard, let source = node.input(0),
      !inputs.contains(where: { $0.name == source }), var constant = constants[source]
    else { return nil }
    constant.name = node.outputs[0]
    return constant
  }
}

extension ShapeInference {
  /// A value whose every element is known, as a constant of the graph.
  fileprivate func constant(named name: String) -> Constant? {
    guard let type = types[name], [.int64, .int32, .bool].contains(type),
      let elements = integers[name]?.compactMap({ $0 }), elements.count == integers[name]?.count,
      let extents = extents[name]?.compactMap({ $0 }), extents.count == self.extents[name]?.count,
      product(extents) == elements.count
    else { return nil }
    return Constant(name: name, elements, type: type, extents: extents)
  }
}
