import Decompose
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

  /// The sums over all uses of a group's kernel, and what an error of it does to the network's outputs, all uses together; nil
  /// where the files do not hold them.
  ///
  /// **Throws** `FileError` where they cannot be read, or are not of layers as the model has them.
  func sums(_ name: String) throws(FileError) -> (moments: LayerMoments, weight: Double?)? {
    var (moments, weight): (LayerMoments?, Double?) = (nil, nil)
    for reading in readings[name] ?? [] {
      guard let layer = try set.layer(reading) else { return nil }
      let own = layer.moments
      let channels = reading.responses * reading.layer.groups
      let found = layer.probes.weight(variance: own.responseVariance, channels: channels)
      if let found { weight = (weight ?? 0) + found }
      if moments == nil { moments = own } else { moments?.add(own) }
    }
    return moments.map { ($0, weight) }
  }
}
