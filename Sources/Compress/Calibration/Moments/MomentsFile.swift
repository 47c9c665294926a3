import Decompose
public import TensorFiles
import Tensors

/// A moments file: the sums over the data of some samples, layer by layer, read when they are asked for.
///
/// A safetensors file of Doubles. Metadata: `format`, `model`, `sampling`, `first`, `count`, `total`, and `outputs` or, where
/// gradients are missing, the reason as `unweighed`. Of a layer at node N, for each group G and each part P of `fitted` and
/// `heldOut`, all integers:
///
///     N.G.P.about     [6]             the positions, and the places of the five sums' digits (-99 for sums of nothing)
///     N.G.P.patches   [2, n]          upper and lower digits (see `BinnedSums`) of the sum of x
///     N.G.P.responses [2, T]          of y
///     N.G.P.gram      [2, n(n+1)/2]   of x x', the upper triangle by rows
///     N.G.P.cross     [2, T n]        of y x'
///     N.G.P.energy    [2, T]          of y²
///
/// and `N.probe` [samples, 3 + 4 outputs], where samples were probed: see `ProbedSample`. Where there are gradients of `outputs`
/// outputs, integers too:
///
///     N.answers         [outputs, 7]    of each output's elements the number; the sum's digits' place, upper and lower digit;
///                                       the same of the squares
///     N.G.outputs.about [1 + outputs]   the places of the digits that follow
///     N.G.outputs.error [2, T(T+1)/2]   of e e' for the errors e of the response that were probed, the upper triangle by rows
///     N.G.outputs.O     [2, T(T+1)/2]   of g g' for the gradients g of output O, from 0
///
/// Files of the first format have no gradients.
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
  static let nothing = -99.0

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
    let outputs = header.weighing.outputs
    // As many tensors at least: loops over outputs end.
    guard outputs <= view.tensors.count else {
      throw FileError(path: path, reason: "its metadata promise the gradients of \(outputs) outputs")
    }
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
      if outputs > 0 {
        try Self.requireWeighing(view, node: node, extents, outputs: outputs, path)
        known += 1 + count * (2 + outputs)
      }
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
    func fail(_ name: String) -> FileError { Self.fault(view, name, path) }
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

  private static func fault(_ view: SafetensorsView, _ name: String, _ path: String) -> FileError {
    let shape = view.tensors[name].map { "has the extents \($0.shape)" } ?? "is missing"
    return FileError(path: path, reason: "the tensor '\(name)' \(shape): this is no sum of a layer's data")
  }

  /// Throws unless a layer has its sums over the outputs' gradients.
  private static func requireWeighing(
    _ view: SafetensorsView, node: Int, _ extents: Extents, outputs: Int, _ path: String
  ) throws(FileError) {
    func require(_ name: String, _ shape: Shape) throws(FileError) {
      guard view.tensors[name]?.shape == shape else { throw fault(view, name, path) }
    }
    try require("\(node).answers", [outputs, 7])
    for group in 0..<extents.groups {
      let prefix = "\(node).\(group).outputs."
      try require(prefix + "about", [1 + outputs])
      for name in ["error"] + (0..<outputs).map({ "\($0)" }) {
        try require(prefix + name, [2, triangleCount(order: extents.responses)])
      }
    }
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
    return BinnedLayer(groups: groups, probes: try probes(node), weighing: try weighing(node, extents))
  }

  /// A layer's sums over the outputs' gradients; nil in files without.
  private func weighing(_ node: Int, _ extents: Extents) throws(FileError) -> BinnedLayer.Weighing? {
    let outputs = header.weighing.outputs
    guard outputs > 0 else { return nil }
    var gradients = LayerGradients(try answers(node).map { .init(answers: $0, grams: []) })
    var errors: [BinnedSums] = []
    for group in 0..<extents.groups {
      let prefix = "\(node).\(group).outputs."
      let places = try view.doubles(prefix + "about").elements
      errors.append(try sums(prefix + "error", place: places[0]))
      for output in 0..<outputs {
        // Of a sample two ways back at most begin at the same output.
        gradients.outputs[output].grams.append(
          try sums("\(prefix)\(output)", place: places[1 + output], each: 2))
      }
    }
    return BinnedLayer.Weighing(gradients: gradients, errors: errors)
  }

  private func answers(_ node: Int) throws(FileError) -> [AnswerSums] {
    let name = "\(node).answers"
    let numbers = try view.doubles(name).elements
    func fail(_ row: Int) -> FileError {
      FileError(path: path, reason: "row \(row) of the tensor '\(name)' is no sum of an output's elements")
    }
    var answers: [AnswerSums] = []
    for row in 0..<header.weighing.outputs {
      let own = Array(numbers[(7 * row)..<(7 * row + 7)])
      func sum(_ place: Int) throws(FileError) -> BinnedSums {
        let digits = (upper: [own[place + 1]], lower: [own[place + 2]])
        guard
          let sum = BinnedSums(
            bin: bin(own[place]), upper: digits.upper, lower: digits.lower, terms: header.samples.count)
        else { throw fail(row) }
        return sum
      }
      guard let count = Int(exactly: own[0]), (0...mostElements).contains(count) else { throw fail(row) }
      answers.append(AnswerSums(count: count, sum: try sum(1), energy: try sum(4)))
    }
    return answers
  }

  /// The elements or positions that a file's samples may have together.
  private var mostElements: Int { header.samples.count * BinnedSums.mostElements }

  /// The place of digits as files have it; nil for sums of nothing.
  private func bin(_ place: Double) -> Int? { place == Self.nothing ? nil : Int(exactly: place) ?? .max }

  /// A sum that has its digits at a place; of `each` arrays a sample at most.
  private func sums(_ name: String, place: Double, each: Int = 1) throws(FileError) -> BinnedSums {
    let digits = try view.doubles(name).elements
    let half = digits.count / 2
    guard
      let sum = BinnedSums(
        bin: bin(place), upper: Array(digits[..<half]), lower: Array(digits[half...]),
        terms: each * header.samples.count)
    else {
      throw FileError(
        path: path,
        reason: "the tensor '\(name)' holds numbers that are no sums of \(header.samples.count) inputs")
    }
    return sum
  }

  private func moments(
    _ node: Int, _ group: Int, _ part: String, _ extents: Extents
  ) throws(FileError) -> BinnedMoments {
    let prefix = "\(node).\(group).\(part)."
    let about = try view.doubles(prefix + "about").elements
    guard let count = Int(exactly: about[0]), (0...mostElements).contains(count) else {
      throw FileError(path: path, reason: "the tensor '\(prefix)about' counts \(about[0]) positions")
    }
    var sums: [BinnedSums] = []
    for (place, name) in BinnedMoments.names.enumerated() {
      sums.append(try self.sums(prefix + name, place: about[1 + place]))
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
