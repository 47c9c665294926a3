import ModelGraph
import Network
import Synchronization

/// One node as a network of its own: what runs forward whatever a rule does not run itself, by the operators that run the
/// network when it is used.
///
/// The network is made when it is first run: nodes whose rules run them need none.
final class NodeRunner: Sendable {
  private let settings: NodeSettings
  private let alone: ModelGraph
  private let network = Mutex<Network?>(nil)
  /// The inputs that come with a run; the others are constants of the network.
  private let variables: Set<String>

  /// The node, which is given the inputs at `places` with each run.
  init(_ settings: NodeSettings, variables places: Set<Int>, in model: ModelGraph) {
    self.settings = settings
    let node = settings.node
    variables = Set(places.map { node.inputs[$0] })
    var constants = ConstantTable()
    for name in Set(node.inputs).subtracting(variables).sorted() {
      if let constant = model.main.constants[name] { constants.append(constant) }
    }
    let graph = Graph(
      nodes: [node], constants: constants, inputs: variables.sorted().map { ValueInfo(name: $0) },
      outputs: node.outputs.filter { !$0.isEmpty }.map { ValueInfo(name: $0) })
    alone = ModelGraph(
      path: model.path, main: graph, operatorSets: model.operatorSets, formatVersion: model.formatVersion)
  }

  /// Runs the node.
  ///
  /// **Returns** its outputs by place; those that nobody wants are left out.
  ///
  /// **Throws** where `Network` has no such operator, or the inputs do not fit it.
  func run(_ inputs: [NetworkTensor?]) throws(GradientError) -> [NetworkTensor] {
    let node = settings.node
    var given: [String: NetworkTensor] = [:]
    for (name, value) in zip(node.inputs, inputs) where variables.contains(name) { given[name] = value }
    do throws(NetworkError) {
      let results = try made().run(given)
      return node.outputs.compactMap { results[$0] }
    } catch { throw .network(error) }
  }

  private func made() throws(NetworkError) -> Network {
    if let known = network.withLock({ $0 }) { return known }
    let made = try Network(alone)
    network.withLock { $0 = made }
    return made
  }
}
