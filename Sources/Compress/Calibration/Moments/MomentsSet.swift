public import ModelGraph
import ONNX
import TensorFiles

/// Moments files of one model that together hold the sums over all samples of a set: what calibration on several machines
/// comes to.
///
/// Files may be cut by samples, by layers, or both. The sums do not depend on how they were cut, to the last bit.
public struct MomentsSet: Sendable {
  /// By node: the files that hold a part of a layer's sums, in the samples' order.
  private let files: [Int: [MomentsFile]]
  /// The samples of the whole set.
  public let total: Int
  /// Why all errors of a layer's responses count alike; nil where the files hold what the outputs make of them.
  let notWeighed: String?

  /// Opens files that `ModelGraph.writeMoments` has written, in any order.
  ///
  /// **Throws** `FileError` for files that cannot be read or contradict themselves; of another model; made differently;
  /// that overlap, or leave out samples of a layer.
  public init(_ paths: [String], of model: ModelGraph) throws {
    guard let first = paths.first else {
      throw CompressError.option(name: "moments", reason: "there are no files")
    }
    let digest = try model.digest()
    var files: [MomentsFile] = []
    for path in paths {
      let file = try MomentsFile(contentsOf: path)
      let header = file.header
      guard header.model == digest else {
        throw FileError(
          path: path,
          reason: "these are moments of another model than \(model.path): its digest is"
            + " \(digest), not \(header.model)")
      }
      if let earlier = files.first,
        header.sampling != earlier.header.sampling
          || header.total != earlier.header.total
      {
        throw FileError(
          path: path,
          reason: "it was not made as \(first) was, and does not add up with that: '\(header.sampling)' of"
            + " \(header.total) inputs here, '\(earlier.header.sampling)' of \(earlier.header.total) there")
      }
      if let earlier = files.first?.header, !earlier.weighing.matches(header.weighing) {
        throw FileError(path: path, reason: Self.mismatch(header.weighing, earlier.weighing, first))
      }
      files.append(file)
    }
    notWeighed = files.lazy.compactMap(\.header.weighing.obstacle).first
    total = files[0].header.total
    var byLayer: [Int: [MomentsFile]] = [:]
    for file in files {
      for node in file.layers.keys { byLayer[node, default: []].append(file) }
    }
    for node in byLayer.keys.sorted() {
      byLayer[node] = try Self.ordered(byLayer[node] ?? [], node: node, of: total, model)
    }
    self.files = byLayer
  }

  /// What is wrong with a file that holds something else of the outputs than the first one.
  private static func mismatch(
    _ own: MomentsHeader.Weighing, _ other: MomentsHeader.Weighing, _ first: String
  ) -> String {
    func text(_ weighing: MomentsHeader.Weighing) -> String {
      switch weighing {
      case .outputs(let count): "the gradients of \(count) outputs"
      case .none(let reason): "no gradients of the outputs (\(reason))"
      case .unknown: "no gradients of the outputs, as it was made by an earlier version"
      }
    }
    return
      "it holds \(text(own)), \(first) \(text(other)): they do not add up; make them anew with `lowrank moments`"
  }

  /// A layer's files in the samples' order.
  ///
  /// **Throws** where they overlap, or are not all.
  private static func ordered(
    _ files: [MomentsFile], node: Int, of total: Int, _ model: ModelGraph
  ) throws(FileError) -> [MomentsFile] {
    let files = files.sorted { $0.header.samples.lowerBound < $1.header.samples.lowerBound }
    let layer = model.main.nodes.indices.contains(node) ? model.main.nodes[node].name : "\(node)"
    var end = 0
    var before = ""
    for file in files {
      let samples = file.header.samples
      guard samples.lowerBound >= end else {
        throw FileError(
          path: file.path,
          reason: "its inputs \(samples.text) overlap with those of \(before): each is to be counted once")
      }
      guard samples.lowerBound == end else {
        throw missing(end..<samples.lowerBound, layer, file.path, total)
      }
      guard file.layers[node] == files[0].layers[node] else {
        throw FileError(
          path: file.path, reason: "its sums of the layer '\(layer)' are of other extents than in \(before)")
      }
      (end, before) = (samples.upperBound, file.path)
    }
    guard end == total else { throw missing(end..<total, layer, before, total) }
    return files
  }

  private static func missing(
    _ samples: Range<Int>, _ layer: String, _ path: String, _ total: Int
  ) -> FileError {
    FileError(
      path: path,
      reason: "inputs \(samples.text) of \(total) are in no file for the layer '\(layer)': give all parts")
  }

  /// Whether the files hold a layer's sums.
  func holds(_ node: Int) -> Bool { files[node] != nil }

  /// The sums over all samples of a layer; nil where the files do not hold it.
  ///
  /// **Throws** `FileError` where they cannot be read, or are not of a layer as `reading` has it.
  func layer(_ reading: LayerReading) throws(FileError) -> BinnedLayer? {
    guard let files = files[reading.layer.node] else { return nil }
    let expected = MomentsFile.Extents(
      groups: reading.layer.groups, patch: reading.patch, responses: reading.responses)
    var sum: BinnedLayer?
    for file in files {
      guard file.layers[reading.layer.node] == expected else {
        throw FileError(
          path: file.path, reason: "its sums of the layer '\(reading.layer.name)' are not of its extents")
      }
      let part = try file.layer(reading.layer.node)
      if sum == nil { sum = part } else { sum?.add(part) }
    }
    return sum
  }
}

extension Range<Int> {
  /// `3` or `3..7`, the last one named.
  fileprivate var text: String { count == 1 ? "\(lowerBound)" : "\(lowerBound)..\(upperBound - 1)" }
}
