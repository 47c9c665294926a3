internal import TensorFiles

/// Turns constants that nodes widen, `Cast` from half precision or `DequantizeLinear`, into constants of what they come to:
/// what stands behind sees a weight, however the file holds it.
///
/// **Accuracy** that of the operators: exact for `Cast`, one rounding for `DequantizeLinear`.
///
/// **Complexity** each such weight is held in memory once more.
public struct WeightWidening: GraphPass {
  /// `weights`
  public static var name: String { "weights" }

  /// The pass.
  public init() {}

  /// Widens; each weight is named.
  public func apply(to model: inout ModelGraph) throws(ModelError) -> [PassNote] {
    let index = GraphIndex(model.main)
    var (notes, kept, constants): ([PassNote], [Node], [Constant]) = ([], [], [])
    var released = Set<String>()
    for node in model.main.nodes {
      guard let weight = index.weight(madeBy: node, in: model.main), let name = node.outputs.first,
        !index.outputs.contains(name), let constant = try widened(weight, name)
      else {
        kept.append(node)
        continue
      }
      constants.append(constant)
      released.formUnion(node.inputs)
      notes.append(note(name, "\(node.opType) is done beforehand"))
    }
    guard !notes.isEmpty else { return [] }
    model.main.nodes = kept
    for constant in constants { model.add(constant) }
    model.main.removeUnusedValues(among: released)
    return notes
  }

  private func widened(_ weight: StoredWeight, _ name: String) throws(ModelError) -> Constant? {
    do throws(FileError) { return try weight.widened(as: name) } catch { throw .file(error) }
  }
}
