public import ModelGraph
import ONNX
import Synchronization
import Tensors

/// A network that is ready to run on inputs of any shape that it takes.
///
///     let network = try Network(contentsOf: "model.onnx")
///     let outputs = try network.run(["input": NetworkTensor(image)])
///
/// The weights are packed once, whatever the sizes; each combination of input shapes is planned once and remembered. A
/// network may be used from many tasks at once; see `makeSession()` for runs that keep their memory.
///
/// **Accuracy** Float throughout; results do not depend on the number of threads.
public final class Network: Sendable {
  /// What the network takes.
  public let inputs: [ValueInfo]
  /// What it makes.
  public let outputs: [ValueInfo]
  /// How it runs.
  public let options: NetworkOptions
  /// What the passes over the model did, a line each.
  public let passNotes: [String]
  private let original: ModelGraph
  private let model: ModelGraph
  private let graph: LoadedGraph
  private let looks = Mutex<[Set<String>: LoadedGraph]>([:])
  private let plans = Mutex<[(key: PlanKey, plan: PlannedSegment)]>([])

  /// What a plan is made for.
  private struct PlanKey: Hashable {
    let inputs: [String: InputShape]
    let outputs: [String]
  }

  /// The shapes whose plans are remembered.
  private static var mostPlans: Int { 16 }

  /// Reads a network out of an ONNX file.
  ///
  /// **Throws** `NetworkError` where the file is broken, or has an operator or a setting that this engine lacks.
  public convenience init(
    contentsOf path: String, options: NetworkOptions = NetworkOptions()
  ) throws(NetworkError) {
    let model: ModelGraph
    do throws(ModelError) { model = try ModelGraph(onnx: path) } catch { throw .model(error) }
    try self.init(model, options: options)
  }

  /// A network of a model.
  ///
  /// **Throws** `NetworkError` where the model contradicts itself, or has an operator or a setting that this engine lacks.
  public init(_ model: ModelGraph, options: NetworkOptions = NetworkOptions()) throws(NetworkError) {
    original = model
    var model = model
    do throws(ModelError) {
      try model.validate()
      let passes = Self.passes(options)
      passNotes = try model.apply(passes).map(\.description)
    } catch { throw .model(error) }
    self.options = options
    self.model = model
    inputs = model.inputs
    outputs = model.main.outputs
    graph = try GraphLoader(opset: model.opsetVersion, options: options).load(model.main)
  }

  /// The graph with values in it that are no outputs, for those who ask for them.
  private func graph(making names: [String]) throws(NetworkError) -> LoadedGraph {
    let inner = Set(names).subtracting(outputs.map(\.name)).subtracting(inputs.map(\.name))
    guard !inner.isEmpty else { return graph }
    if let known = looks.withLock({ $0[inner] }) { return known }
    var changed = original
    for name in inner.sorted() { changed.main.outputs.append(ValueInfo(name: name)) }
    do throws(ModelError) { _ = try changed.apply(Self.passes(options)) } catch { throw .model(error) }
    let made = try GraphLoader(opset: model.opsetVersion, options: options).load(changed.main)
    looks.withLock { $0[inner] = made }
    return made
  }

  private static func passes(_ options: NetworkOptions) -> [any GraphPass] {
    var passes: [any GraphPass] = [WeightWidening()]
    if !options.disabledPasses.contains(.constants) { passes.append(ConstantFolding()) }
    if !options.disabledPasses.contains(.batchNormalization) { passes.append(BatchNormalizationFolding()) }
    if !options.disabledPasses.contains(.constants) { passes.append(UnusedNodeRemoval()) }
    if !options.disabledPasses.contains(.activationPatterns) { passes.append(ActivationPatterns()) }
    return passes
  }

  /// The bytes of the constants, as the model stores them after the passes.
  public var weightByteCount: Int {
    model.main.constants.reduce(0) { $0 + ($1.shape?.count ?? 0) * ($1.type.bitCount ?? 0) / 8 }
  }

  /// The memory for runs that follow one another.
  public func makeSession() -> Session { Session(self) }

  /// Runs the network once, in memory of its own.
  ///
  /// **Throws** and **Shapes** as `Session.run`.
  public func run(
    _ inputs: [String: NetworkTensor], outputs: [String]? = nil
  ) throws(NetworkError) -> [String: NetworkTensor] {
    try makeSession().run(inputs, outputs: outputs)
  }

  /// The types and shapes that outputs have for inputs of some shapes; nil for those that depend on what a run computes.
  ///
  /// **Throws** `NetworkError` where an input is missing or does not fit, or an output is not there.
  package func outputShapes(
    for given: [String: InputShape], outputs: [String]
  ) throws(NetworkError) -> [InputShape?] {
    guard case .finished(let values) = try plan(for: given, outputs: outputs).end else {
      return outputs.map { _ in nil }
    }
    return values.map { InputShape(type: $0.type, extents: $0.extents) }
  }

  /// The plan for inputs of some shapes.
  func plan(for given: [String: InputShape], outputs: [String]) throws(NetworkError) -> PlannedSegment {
    let key = PlanKey(inputs: given, outputs: outputs)
    if let known = plans.withLock({ $0.first { $0.key == key }?.plan }) { return known }
    var builder = PlanBuilder(options: options)
    for info in inputs {
      guard let shape = given[info.name] else { throw .input(name: info.name, reason: "it is missing") }
      try shape.check(against: info, limit: options.memoryLimit)
      builder.addInput(info.name, type: shape.type, extents: shape.extents)
    }
    for name in given.keys where !inputs.contains(where: { $0.name == name }) {
      let known = inputs.map { "'\($0.name)'" }.joined(separator: ", ")
      throw .input(name: name, reason: "there is no such input; there are \(known)")
    }
    let graph = try graph(making: outputs)
    var plan: PlannedSegment?
    if !options.disabledPasses.contains(.concatenation) {
      builder.placements = ConcatenationPlacements(model, inputs: given.mapValues(\.extents))
      let late = builder.placements.withoutEarlyParts()
      if late.slots.count < builder.placements.slots.count {
        var other = builder
        other.placements = late
        plan = try PlannedSegment(other, graph, from: 0, wanted: outputs)
      }
    }
    let placed = try PlannedSegment(builder, graph, from: 0, wanted: outputs)
    // A copy is worth a twentieth of the arena.
    let isSmaller = plan.map { 20 * $0.plan.arenaByteCount < 19 * placed.plan.arenaByteCount } ?? false
    let chosen = isSmaller ? plan ?? placed : placed
    plans.withLock { plans in
      if plans.count >= Self.mostPlans { plans.removeFirst() }
      plans.append((key, chosen))
    }
    return chosen
  }
}
