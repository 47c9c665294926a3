import ModelGraph
import TensorFiles

/// The moments of a model's layers out of files, by group of layers that share a kernel.
struct MomentsSource: Sendable {
  private let set: MomentsSet
  /// By the name of a group's first layer.
  private let readings: [String: [LayerReading]]

  init(_ set: MomentsSet, _ work: LayerWork, _ model: ModelGraph) {
    self.set = set
    var readings: [String: [LayerReading]] = [:]
    for group in work.groups {
      let members = group.members.compactMap { try? LayerReading(work.layers[$0], model) }
      // Of a kernel with several uses all have to be known.
      guard members.count == group.members.count, members.allSatisfy({ set.holds($0.layer.node) }) else {
        continue
      }
      readings[group.cost.names[0]] = members
    }
    self.readings = readings
  }

  /// The reading of a group's first layer; nil where the files do not hold all of the group.
  func reading(_ name: String) -> LayerReading? { readings[name]?.first }

  /// What the files hold of a group's kernel; nil where they do not hold all of its uses.
  ///
  /// **Throws** `FileError` where they cannot be read, or are not of layers as the model has them.
  func layer(_ name: String) throws(FileError) -> FiledLayer? {
    var uses: [BinnedLayer] = []
    for reading in readings[name] ?? [] {
      guard let use = try set.layer(reading) else { return nil }
      uses.append(use)
    }
    return uses.isEmpty ? nil : FiledLayer(uses: uses)
  }
}
