import ModelGraph
import TensorFiles
import Tensors

/// What became of a constant that was stored anew.
struct StorageChange {
  let format: WeightFormat
  /// `||W - stored|| / ||W||`.
  let relativeError: Double
}

extension ModelGraph {
  /// Smaller constants are not worth a node.
  private static var leastElements: Int { 1024 }

  /// Stores the large float32 constants among `names` anew, each behind the node that widens it.
  ///
  /// What layers alone take, always along the same axis, may become integers; everything else half precision, where it is
  /// in its range. A constant that a caller may override, or that is an output, stays as it is.
  ///
  /// `slow` has the formats that `auto` is not to give a constant.
  ///
  /// **Returns** what was stored anew, by the name that nodes take it by.
  mutating func storeConstants(
    _ names: Set<String>, as storage: WeightStorage, slow: [String: Set<WeightFormat>] = [:]
  ) -> [String: StorageChange] {
    guard storage != .original else { return [:] }
    let index = GraphIndex(main)
    var unique = UniqueNames(taken: index.allNames.union(main.nodes.map(\.name)))
    let axes = outputAxes(index)
    var (changes, made): ([String: StorageChange], [StoredConstant]) = ([:], [])
    for constant in main.constants where names.contains(constant.name) && isFree(constant, index) {
      // What cannot be read stays; those who need it say so.
      guard let weight = try? constant.floats(), weight.count >= Self.leastElements else { continue }
      let axis = axes[constant.name]
      let choice = FormatChoice(storage, opset: opsetVersion, slow: slow[constant.name] ?? [])
      for format in choice.formats where format != .int8 || axis != nil {
        let rounded = format.rounded(weight, axis: axis ?? 0)
        let error = weight.relativeDistance(to: rounded)
        guard choice.accepts(format, error: error, exact: 0) else { continue }
        guard format != .original else { break }
        changes[constant.name] = StorageChange(format: format, relativeError: error)
        made.append(
          StoredConstant(
            constant.name, rounded, type: .float32, format: format, axis: axis ?? 0, &unique))
        break
      }
    }
    main.constants.removeAll { changes[$0.name] != nil }
    main.inputs.removeAll { changes[$0.name] != nil }
    for constant in made.flatMap(\.constants) { add(constant) }
    main.nodes.insert(contentsOf: made.compactMap(\.node), at: 0)
    return changes
  }

  /// Whether nobody but the nodes of the graph has a say in a constant.
  private func isFree(_ constant: Constant, _ index: GraphIndex) -> Bool {
    guard constant.type == .float32, index.consumers[constant.name] != nil,
      !index.outputs.contains(constant.name), index.producers[constant.name] == nil
    else { return false }
    return listsConstantsAsInputs || !main.inputs.contains { $0.name == constant.name }
  }

  /// The axis of the output channels of each constant that layers alone take.
  private func outputAxes(_ index: GraphIndex) -> [String: Int] {
    guard let layers = try? layers(foldingBatchNormalization: false) else { return [:] }
    let weights = layers.filter { $0.kernelShape != nil && $0.elementType == .float32 }
    return Dictionary(grouping: weights, by: \.weight).compactMapValues { users in
      let axes = Set(users.map { $0.layout == .outputsFirst ? 0 : 1 })
      let weight = users[0].weight
      guard axes.count == 1, index.consumers[weight]?.count == users.count,
        !index.namesInBodies.contains(weight)
      else { return nil }
      return axes.first
    }
  }
}

extension CompressionReport {
  /// Notes how kept layers are stored.
  mutating func note(_ changes: [String: StorageChange], _ work: LayerWork) {
    for (place, layer) in work.layers.enumerated() where !layers[place].isFactored {
      guard let change = changes[layer.weight] else { continue }
      layers[place].storage = change.format.name
      layers[place].relativeError = change.relativeError
    }
  }
}

extension Tensor where Element == Float {
  /// `||self - other|| / ||self||` in Double; 0 for equal tensors.
  fileprivate func relativeDistance(to other: Tensor) -> Double {
    var (lost, whole) = (0.0, 0.0)
    withSpan { values in
      other.withSpan { others in
        for i in values.indices {
          let value = Double(values[i])
          // Infinities in masks, for instance, are the same in half precision.
          guard values[i] != others[i] else {
            whole += value.isFinite ? value * value : 0
            continue
          }
          let difference = value - Double(others[i])
          lost += difference * difference
          whole += value * value
        }
      }
    }
    return lost == 0 ? 0 : (lost / whole).squareRoot()
  }
}
