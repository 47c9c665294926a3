import Tensors

/// `Clip`: the gradient where an element is within the bounds, 0 elsewhere.
struct ClipRule: GradientRule {
  static let opTypes = ["Clip"]

  private let low: Float
  private let high: Float

  init(_ node: NodeSettings) throws(GradientError) {
    low = node.node.float("min", default: -.infinity)
    high = node.node.float("max", default: .infinity)
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    func bound(_ place: Int, _ value: Float) -> Float {
      guard place < pass.inputs.count, let given = pass.inputs[place]?.floats, given.count == 1 else {
        return value
      }
      return given.elements[0]
    }
    let (low, high) = (bound(1, low), bound(2, high))
    return pass.only(
      try pass.gradient().combined(try pass.floats(0)) { g, x in x >= low && x <= high ? g : 0 })
  }
}
