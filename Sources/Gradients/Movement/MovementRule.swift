import Network
import Tensors

/// Operators whose outputs are elements of their inputs, in other places, some of them often or never.
///
/// The node itself says which: run on numbers that count the elements of its inputs, it makes for each element of its outputs
/// the number of the one that it is a copy of, or 0 where it is padding. The gradient of an element is the sum of those of its
/// copies.
///
/// **Complexity** one run of the node, and one addition an element of the outputs.
struct MovementRule: GradientRule {
  static let opTypes = [
    "Transpose", "Slice", "Split", "Concat", "Pad", "Expand", "Tile", "Gather", "GatherElements", "GatherND",
    "DepthToSpace", "SpaceToDepth",
  ]

  /// All of `Concat`, and what `Pad` pads with.
  static let givenPlaces: [Int]? = nil

  private let takesAll: Bool
  private let isPadding: Bool

  init(_ node: NodeSettings) throws(GradientError) {
    takesAll = node.node.opType == "Concat"
    isPadding = node.node.opType == "Pad"
  }

  /// Floats that count are exact up to here.
  private static var mostElements: Int { 1 << 24 }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let places = takesAll ? Array(pass.inputs.indices) : [0]
    var (counted, starts, end) = (pass.inputs, [Int](), 0)
    for place in places {
      let x = try pass.floats(place)
      starts.append(end)
      counted[place] = NetworkTensor(
        Tensor(shape: x.shape) { numbers in
          for i in 0..<numbers.count { numbers[i] = Float(end + i + 1) }
        })
      end += x.count
    }
    guard end < Self.mostElements else { throw pass.node.failure("there is no gradient for \(end) elements") }
    // What is padding becomes 0, whatever it is padded with.
    if isPadding, counted.count > 2, counted[2] != nil {
      counted[2] = NetworkTensor(Tensor(shape: [], repeating: 0))
    }
    let origins = try pass.runner.run(counted)
    var sums = Tensor<Float>(shape: [end + 1], repeating: 0)
    for (origin, gradient) in zip(origins, pass.gradients) {
      guard let gradient, let numbers = origin.floats else { continue }
      sums.withMutableSpan { sums in
        numbers.withSpan { numbers in
          gradient.withSpan { g in
            for i in 0..<g.count { sums[Int(numbers[i])] += g[i] }
          }
        }
      }
    }
    var results = pass.none
    for (place, start) in zip(places, starts) where pass.wants(place) {
      let shape = try pass.floats(place).shape
      results[place] = Tensor(shape: shape) { result in
        sums.withSpan { sums in
          for i in 0..<result.count { result[i] = sums[start + 1 + i] }
        }
      }
    }
    return results
  }
}
