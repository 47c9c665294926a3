import Decompose
public import TensorFiles
import Tensors

/// A moments file: the sums over the data of some samples, layer by layer, read when they are asked for.
///
/// A safetensors file of Doubles, all integers. Metadata: `format`, `model`, `sampling`, `first`, `count`, `total`. Of a layer
/// at node N, for each group G and each part P of `fitted` and `heldOut`:
///
///     N.G.P.about     [6]             the positions, and the places of the five sums' digits (-99 for sums of nothing)
///     N.G.P.patches   [2, n]          upper and lower digits (see `BinnedSums`) of the sum of x
///     N.G.P.responses [2, T]          of y
///     N.G.P.gram      [2, n(n+1)/2]   of x x', the upper triangle by rows
///     N.G.P.cross     [2, T n]        of y x'
///     N.G.P.energy    [2, T]          of y²
///
/// and `N.probe` [samples, 3 + 4 outputs], where samples were probed: see `ProbedSample`.
public struct MomentsFile: Sendable {
  let path: String
  let header: MomentsHeader
  /// By node: the extents of a layer.
  let layers: [Int: Extents]
  private let view: SafetensorsView

  /// What a layer's sums are of.
  struct Extents: Sendable, Equatable {
    let groups: Int
    let patch: Int
    let responses: Int
  }

  /// The parts of a group's positions.
  private static let parts = ["fitted", "heldOut"]
  private static let nothing = -99.0

  /// Opens a file.
  ///
  /// **Throws** `FileError` where it cannot be read, is cut off, or contradicts itself.
  public init(contentsOf path: String) throws(FileError) {
    try self.init(ByteView(ofFile: path), path: path)
  }

  /// Opens a file whose bytes are at hand; `path` names it in errors.
  public init(_ bytes: ByteView, path: String) throws(FileError) {
    self.path = path
    view = try SafetensorsView(bytes, path: path)
    header = try MomentsHeader(view.metadata, path: path)
    var groups: [Int: Int] = [:]
    for name in view.tensors.keys {
      let fields = name.split(separator: ".", omittingEmptySubsequences: false)
      guard let node = Int(fields[0]), node >= 0, "\(node)" == fields[0] else {
        throw FileError(path: path, reason: "the tensor '\(name)' belongs to no layer")
      }
      guard fields.count == 4, fields[2] == "fitted", fields[3] == "about", let group = Int(fields[1]),
        (0..<view.tensors.count).contains(group)
      else { continue }
      groups[node] = max(groups[node] ?? 0, group + 1)
    }
    var layers: [Int: Extents] = [:]
    var known = 0
    for (node, count) in groups {
      let extents = try Self.extents(view, node: node, groups: count, path)
      known += count * Self.parts.count * (1 + BinnedMoments.names.count)
      if view.tensors["\(node).probe"] != nil { known += 1 }
      layers[node] = extents
    }
    guard known == view.tensors.count else {
      throw FileError(path: path, reason: "it holds tensors that are no layer's sums")
    }
    self.layers = layers
  }

  /// The extents of a layer, which all its tensors have to have.
  private static func extents(
    _ view: SafetensorsView, node: Int, groups: Int, _ path: String
  ) throws(FileError) -> Extents {
    func fail(_ name: String) -> FileError {
      let shape = view.tensors[name].map { "has the extents \($0.shape)" } ?? "is missing"
      return FileError(path: path, reason: "the tensor '\(name)' \(shape): this is no sum of a layer's data")
    }
    func length(_ name: String) throws(FileError) -> Int {
      let name = "\(node).0.fitted.\(name)"
      guard let shape = view.tensors[name]?.shape, shape.order == 2, shape[0] == 2, shape[1] > 0 else {
        throw fail(name)
      }
      return shape[1]
    }
    let extents = Extents(groups: groups, patch: try length("patches"), responses: try length("responses"))
    // The lengths are those of tensors that the file holds: it has the bytes, and the squares do not overflow.
    let (n, outputs) = (extents.patch, extents.responses)
    guard n <= 1 << 20, outputs <= 1 << 20 else { throw fail("\(node).0.fitted.patches") }
    let lengths = BinnedMoments.lengths(patch: n, responses: outputs)
    for group in 0..<groups {
      for part in parts {
        let prefix = "\(node).\(group).\(part)."
        guard view.tensors[prefix + "about"]?.shape == [1 + lengths.count] else {
          throw fail(prefix + "about")
        }
        for (name, length) in zip(BinnedMoments.names, lengths)
        where view.tensors[prefix + name]?.shape != [2, length] { throw fail(prefix + name) }
      }
    }
    return extents
  }

  /// The sums of a layer.
  ///
  /// **Throws** `FileError` where they cannot be read or are no sums.
  ///
  /// **Traps** for a layer that the file does not hold.
  func layer(_ node: Int) throws(FileError) -> BinnedLayer {
    guard let extents = layers[node] else { preconditionFailure("no layer \(node) in \(path)") }
    var groups: [BinnedLayer.Parts] = []
    for group in 0..<extents.groups {
      groups.append(
        BinnedLayer.Parts(
          fitted: try moments(node, group, Self.parts[0], extents),
          heldOut: try moments(node, group, Self.parts[1], extents)))
    }
    return BinnedLayer(groups: groups, probes: try probes(node))
  }

  private func moments(
    _ node: Int, _ group: Int, _ part: String, _ extents: Extents
  ) throws(FileError) -> BinnedMoments {
    let prefix = "\(node).\(group).\(part)."
    let about = try view.doubles(prefix + "about").elements
    guard let count = Int(exactly: about[0]), (0...(1 << 53)).contains(count) else {
      throw FileError(path: path, reason: "the tensor '\(prefix)about' counts \(about[0]) positions")
    }
    var sums: [BinnedSums] = []
    for (place, name) in BinnedMoments.names.enumerated() {
      let digits = try view.doubles(prefix + name).elements
      let bin = about[1 + place] == Self.nothing ? nil : Int(exactly: about[1 + place]) ?? .max
      let half = digits.count / 2
      guard
        let sum = BinnedSums(
          bin: bin, upper: Array(digits[..<half]), lower: Array(digits[half...]),
          terms: header.samples.count)
      else {
        throw FileError(
          path: path,
          reason:
            "the tensor '\(prefix)\(name)' holds numbers that are no sums of \(header.samples.count) inputs")
      }
      sums.append(sum)
    }
    return BinnedMoments(patch: extents.patch, responses: extents.responses, count: count, sums: sums)
  }

  private func probes(_ node: Int) throws(FileError) -> [ProbedSample] {
    let name = "\(node).probe"
    guard let shape = view.tensors[name]?.shape else { return [] }
    let numbers = try view.doubles(name).elements
    guard shape.order == 2, shape[0] > 0, let width = numbers.count / shape[0] as Int?, width > 0 else {
      throw FileError(
        path: path, reason: "the tensor '\(name)' has the extents \(shape): these are no probes")
    }
    var probes: [ProbedSample] = []
    for row in 0..<shape[0] {
      guard let probe = ProbedSample(Array(numbers[(row * width)..<((row + 1) * width)])),
        header.samples.contains(probe.number), probe.number > probes.last?.number ?? -1
      else {
        throw FileError(
          path: path, reason: "row \(row) of the tensor '\(name)' is no probe of one of its inputs")
      }
      probes.append(probe)
    }
    return probes
  }

  /// Reads all of it, layer by layer.
  ///
  /// **Throws** `FileError` where something is no sum.
  ///
  /// **Returns** the numbers of its layers' nodes.
  public func validate() throws(FileError) -> [Int] {
    let nodes = layers.keys.sorted()
    for node in nodes { _ = try layer(node) }
    return nodes
  }
}

/// A moments file on its way, layer by layer: no more than one of them is in memory.
struct MomentsWriter: ~Copyable {
  private var writer: SafetensorsWriter

  init() throws(FileError) { writer = try SafetensorsWriter() }

  /// Appends a layer.
  mutating func append(_ layer: BinnedLayer, node: Int) throws(FileError) {
    for (group, parts) in layer.groups.enumerated() {
      for (name, part) in [("fitted", parts.fitted), ("heldOut", parts.heldOut)] {
        let prefix = "\(node).\(group).\(name)."
        let about = [Double(part.count)] + part.sums.map { $0.bin.map { Double($0) } ?? -99 }
        try writer.append(Tensor(shape: [about.count], elements: about), named: prefix + "about")
        for (name, sums) in zip(BinnedMoments.names, part.sums) {
          try writer.append(
            Tensor(shape: [2, sums.count], elements: sums.upper + sums.lower), named: prefix + name)
        }
      }
    }
    guard let first = layer.probes.first else { return }
    let numbers = layer.probes.flatMap(\.numbers)
    try writer.append(
      Tensor(shape: [layer.probes.count, first.numbers.count], elements: numbers), named: "\(node).probe")
  }

  /// Writes the file, to appear with the others of a transaction.
  consuming func write(
    _ header: MomentsHeader, to path: String, in files: inout FileTransaction
  ) throws(FileError) {
    try writer.write(metadata: header.metadata, to: path, in: &files)
  }
}
