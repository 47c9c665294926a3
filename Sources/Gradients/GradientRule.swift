import ModelGraph
import Network
import Tensors

/// How the gradient of a loss goes backward through a node.
///
/// For y = f(x1, x2, ...) and a loss L, `backward` is given dL/dy and makes dL/dx1, dL/dx2, ...: the transposed Jacobian times
/// a vector. A rule reads a node's settings once, and refuses those that it has no gradient for.
///
/// Forward, a node is run by `Network`, unless its rule does it: products do, since their weights may change with each run.
protocol GradientRule: Sendable {
  /// The operators that the rule is for.
  static var opTypes: [String] { get }

  /// The places of inputs whose constants are weights.
  static var weightPlaces: [Int] { get }

  /// The places of inputs that come with each run of the node, constants or not, so that a rule can put others there; nil for
  /// all.
  static var givenPlaces: [Int]? { get }

  /// Reads a node's settings.
  ///
  /// **Throws** `GradientError.node` where there is no gradient for one of them.
  init(_ node: NodeSettings) throws(GradientError)

  /// What is worked out from weights once for all runs that go by them; nil for nothing.
  ///
  /// `weights` holds the constants among the inputs by place.
  func prepared(_ weights: [Tensor<Float>?]) throws(GradientError) -> (any Sendable)?

  /// The outputs; nil where the node is to be run by `Network`.
  func forward(_ pass: ForwardPass) throws(GradientError) -> [Tensor<Float>]?

  /// The gradients of the inputs by place; nil for those that are not wanted.
  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?]
}

extension GradientRule {
  static var weightPlaces: [Int] { [] }
  static var givenPlaces: [Int]? { [0] }
  func prepared(_ weights: [Tensor<Float>?]) throws(GradientError) -> (any Sendable)? { nil }
  func forward(_ pass: ForwardPass) throws(GradientError) -> [Tensor<Float>]? { nil }
}

/// What a rule has forward.
struct ForwardPass {
  let node: NodeSettings
  /// By place; nil where an input is left out.
  let inputs: [NetworkTensor?]
  /// What the rule has prepared from the weights.
  let prepared: (any Sendable)?

  /// The floats of an input.
  func floats(_ place: Int) throws(GradientError) -> Tensor<Float> { try node.floats(inputs, place) }

  /// The floats of an input that may be left out.
  func optional(_ place: Int) -> Tensor<Float>? { place < inputs.count ? inputs[place]?.floats : nil }
}

/// What a rule has backward.
struct BackwardPass {
  let node: NodeSettings
  let inputs: [NetworkTensor?]
  let outputs: [NetworkTensor]
  /// The gradient of each output; nil where the loss does not depend on it.
  let gradients: [Tensor<Float>?]
  /// Whether the gradient of an input is wanted, by place.
  let wanted: [Bool]
  let prepared: (any Sendable)?
  /// Runs the node on other inputs.
  let runner: NodeRunner

  /// The floats of an input.
  func floats(_ place: Int) throws(GradientError) -> Tensor<Float> { try node.floats(inputs, place) }

  /// The floats of the first output.
  func output() throws(GradientError) -> Tensor<Float> { try node.floats(outputs, 0) }

  /// The gradient of the first output.
  func gradient() throws(GradientError) -> Tensor<Float> {
    guard let first = gradients.first, let gradient = first else {
      throw node.failure("the loss does not depend on its first output")
    }
    return gradient
  }

  /// Whether the gradient of an input is wanted.
  func wants(_ place: Int) -> Bool { place < wanted.count && wanted[place] }

  /// No gradient for any input yet.
  var none: [Tensor<Float>?] { [Tensor<Float>?](repeating: nil, count: inputs.count) }

  /// The gradient of the first input alone.
  func only(_ gradient: Tensor<Float>) -> [Tensor<Float>?] {
    var gradients = none
    gradients[0] = gradient
    return gradients
  }
}

/// A node's settings, and errors that name it.
package struct NodeSettings: Sendable {
  package let node: Node
  let opset: Int

  /// An error that names the node.
  func failure(_ reason: String) -> GradientError {
    .node(name: node.displayName, opType: node.opType, reason: reason)
  }

  /// The floats among values, by place.
  func floats(_ values: [NetworkTensor?], _ place: Int) throws(GradientError) -> Tensor<Float> {
    guard place < values.count, let floats = values[place]?.floats else {
      throw failure("value \(place) is missing or holds no floating-point numbers")
    }
    return floats
  }

  /// An axis from the front.
  func axis(_ axis: Int, order: Int) throws(GradientError) -> Int {
    let counted = axis < 0 ? axis + order : axis
    guard (0..<max(1, order)).contains(counted) else { throw failure("axis \(axis) of \(order)") }
    return counted
  }
}
