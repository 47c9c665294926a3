import Compress
import Forms
import ModelGraph
import Synchronization
import Tensors

/// A clock of its own for convolutions on one image extent: what a node takes follows from its weights alone, so that no
/// test depends on how fast a machine is.
final class InventedTimer: NetworkTimer {
  let runtime = "invented"
  let machine = "none"
  let threads = 1
  let lanes = 1
  let timesNodes: Bool
  /// Milliseconds of a node with weights of a shape.
  let cost: @Sendable (_ weights: Shape, _ groups: Int) -> Double
  /// What the whole run takes, out of its nodes and the number of runs that were made ready before.
  let whole: @Sendable (_ nodes: Double, _ count: Int, _ prepared: Int) -> Double
  private let state = Mutex<[Int]>([])

  init(
    timesNodes: Bool = true, cost: @escaping @Sendable (Shape, Int) -> Double,
    whole: @escaping @Sendable (Double, Int, Int) -> Double = { nodes, _, _ in nodes + 0.1 }
  ) {
    (self.timesNodes, self.cost, self.whole) = (timesNodes, cost, whole)
  }

  /// The number of convolutions of each network that was made ready.
  var prepared: [Int] { state.withLock { $0 } }

  func prepare(_ model: ModelGraph) throws(TimingError) -> any TimedNetwork {
    var nodes: [String: Double] = [:]
    for node in model.main.nodes where node.opType == "Conv" {
      let weights = model.main.constants[node.inputs[1]]?.shape ?? []
      nodes[node.name, default: 0] += cost(weights, node.int("group", default: 1))
    }
    let (count, before) = (
      nodes.count,
      state.withLock {
        $0.append(nodes.count); return $0.count - 1
      }
    )
    let sum = nodes.values.sorted().reduce(0, +)
    return Fixed(NetworkTime(whole: whole(sum, count, before), nodes: timesNodes ? nodes : [:]))
  }

  private final class Fixed: TimedNetwork {
    let time: NetworkTime
    init(_ time: NetworkTime) { self.time = time }
    func run() -> NetworkTime { time }
  }
}

extension InventedTimer {
  /// Convolutions as they are known: kernels with spatial extent at a third of the price of a multiply, depthwise ones at
  /// twenty times of it, and a little for each node.
  static let usual: @Sendable (Shape, Int) -> Double = { weights, groups in
    let isSpatial = weights.extents.dropFirst(2).contains { $0 > 1 }
    let price = groups > 1 ? 20.0 : isSpatial ? 1 / 3.0 : 1
    return 0.002 + 1e-4 * price * Double(weights.count)
  }
}
