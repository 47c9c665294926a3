import ModelGraph
import Tensors

/// Layers of a model that share a kernel and so are analysed, priced and factored once.
struct LayerGroup {
  /// Places in the model's list of layers.
  var members: [Int]
  let cost: MeasuredLayer
}

/// The layers of a model with what each costs, grouped by kernel.
struct LayerWork {
  let layers: [FactorableLayer]
  let costs: [MeasuredLayer?]
  /// Why a layer is not to be factored, whatever its kernel holds.
  let obstacles: [String?]
  /// The layers that may be factored.
  let groups: [LayerGroup]
  /// The names and shapes of inputs whose shape is open, in words.
  let openInputs: String?

  /// **Throws** `CompressError` for shapes or regular expressions that do not fit, patterns that match no layer among them.
  init(_ model: ModelGraph, _ options: CompressionOptions) throws(CompressError) {
    let selection = try LayerSelection(options)
    let layers: [FactorableLayer]
    do { layers = try model.layers(foldingBatchNormalization: options.foldsBatchNormalization) } catch {
      throw .model(error)
    }
    try selection.requireMatches(among: layers.map(\.name))
    let extents: [LayerExtents?]
    do { extents = try model.extents(of: layers, inputShapes: options.inputShapes) } catch {
      throw .model(error)
    }
    openInputs = model.inputs.openShapes(but: options.inputShapes)
    self.layers = layers
    costs = zip(layers, extents).map { layer, extents in MeasuredLayer([layer], uses: extents.map { [$0] }) }
    let obstacles = layers.map { $0.obstacle ?? selection.obstacle($0.name) }
    self.obstacles = obstacles
    let places = layers.indices.filter { obstacles[$0] == nil }
    let byKernel = Dictionary(grouping: places) { layers[$0].kernelIdentity }
    groups = byKernel.values.sorted { $0[0] < $1[0] }.compactMap { members in
      let uses = members.map { extents[$0] }
      let known = uses.compactMap { $0 }
      return MeasuredLayer(members.map { layers[$0] }, uses: known.count == uses.count ? known : nil)
        .map { LayerGroup(members: members, cost: $0) }
    }
  }
}

extension LayerWork {
  /// The groups with the largest kernels first: the order for parallel work.
  var largestFirst: [Int] {
    groups.indices.sorted { (groups[$1].cost.kernel.count, $0) < (groups[$0].cost.kernel.count, $1) }
  }

  /// What an error of each group weighs: the sensitivities of its layers together, or 1 where none is known.
  ///
  /// **Throws** `CompressError.option` for names that no layer has, and for numbers that are not finite or under 0.
  func weights(_ sensitivities: [String: Double]) throws(CompressError) -> [Double] {
    let names = Set(layers.map(\.name))
    for (name, value) in sensitivities.sorted(by: { $0.key < $1.key }) {
      guard names.contains(name) else {
        throw .option(name: "sensitivities", reason: "the model has no layer '\(name)'")
      }
      guard value.isFinite, value >= 0 else {
        throw .option(
          name: "sensitivities", reason: "that of '\(name)' is \(value), not a number of 0 or more")
      }
    }
    return groups.map { group in
      let known = group.members.compactMap { sensitivities[layers[$0].name] }
      return known.isEmpty ? 1 : known.reduce(0, +)
    }
  }

  /// Whether layers outside the group need its weight as well, so that factoring the group alone adds weights.
  func sharesItsWeight(_ index: Int) -> Bool {
    let members = groups[index].members
    return layers.indices.contains { layers[$0].weight == layers[members[0]].weight && !members.contains($0) }
  }

  /// Those of some layers whose weight none before them has.
  func firstUses(among places: some Sequence<Int>) -> [Int] {
    var seen = Set<String>()
    return places.filter { seen.insert(layers[$0].weight).inserted }
  }

  /// The name of a group's first layer.
  func name(ofGroup index: Int) -> String { layers[groups[index].members[0]].name }

  /// Runs `body` for groups on several threads, as `inParallel` does, and tells of each that is done.
  func eachInParallel<Result: Sendable>(
    of groups: [Int], threads: Int, _ task: Progress.Task, _ progress: @Sendable (Progress) -> Void,
    _ body: @Sendable (Int) -> Result
  ) -> [Result] {
    progress(.beginning(task, of: groups.count))
    return inParallel(groups, threads: threads) { done, index in
      progress(Progress(done: done, total: groups.count, layer: name(ofGroup: index), task: task))
    } _: {
      body($0)
    }
  }
}

extension [ValueInfo] {
  /// Those with an open extent, as `'image' of 1x3x?x?`; nil where there are none.
  fileprivate func openShapes(but given: [String: [Int]]) -> String? {
    let open = filter { info in given[info.name] == nil && info.isOpen }
    let texts = open.map { info in
      "'\(info.name)' of \(info.extents == nil ? "any shape" : info.shapeText)"
    }
    return texts.isEmpty ? nil : texts.joined(separator: ", ")
  }
}

extension MeasuredLayer {
  /// What measures see of layers with one kernel; nil where its shape is unknown.
  fileprivate init?(_ layers: [FactorableLayer], uses: [LayerExtents]?) {
    guard let layer = layers.first, let kernel = layer.kernelShape else { return nil }
    self.init(
      names: layers.map(\.name), kernel: kernel, groups: layer.groups,
      isTransposed: layer.op == .convTranspose, uses: uses)
  }
}
