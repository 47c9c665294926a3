import ModelGraph
import Tensors

extension ConcatenationPlacements {
  /// The concatenations of a graph whose extents are known for inputs of some shapes.
  init(_ model: ModelGraph, inputs: [String: [Int]]) {
    self.init()
    let shapes = ShapeInference(
      graph: model.main, opset: model.opsetVersion,
      assumptions: ShapeAssumptions(inputs: inputs, trustsFile: false, takesBatchForOne: false))
    let constants = Set(model.main.constants.map(\.name))
    let producers = GraphIndex(model.main).producers
    // From behind, so that what is a part of a concatenation in two ways belongs to the larger one.
    for (place, node) in model.main.nodes.enumerated().reversed()
    where node.opType == "Concat" && node.isStandard {
      guard let name = node.outputs.first, let whole = Self.known(shapes.extents[name]), whole.count >= 2
      else { continue }
      let given = node.int("axis", default: 1)
      let axis = given < 0 ? given + whole.count : given
      let parts = node.inputs.map { (name: $0, extents: Self.known(shapes.extents[$0])) }
      guard axis >= 0, axis < whole.count, parts.allSatisfy({ $0.extents?.count == whole.count }) else {
        continue
      }
      let bytes = CheckedInteger.product(whole.map { Optional($0) }) * CheckedInteger(4)
      let isLarge = bytes.value.map { $0 >= Self.leastBytesToWait } ?? true
      let usable = parts.map { part in
        Part(
          name: constants.contains(part.name) ? "" : part.name, extent: part.extents?[axis] ?? 0,
          isEarly: isLarge && place - (producers[part.name] ?? place) > Self.mostNodesToWait)
      }
      add(output: name, axis: axis, extents: whole, parts: usable)
    }
  }

  /// The bytes of a concatenation from which on its memory is not to wait for parts over more nodes than some.
  private static let leastBytesToWait = 4 << 20
  private static let mostNodesToWait = 8

  private static func known(_ extents: [Int?]?) -> [Int]? {
    guard let extents else { return nil }
    let known = extents.compactMap { $0 }
    return known.count == extents.count ? known : nil
  }
}
