import Network
import Tensors

/// `ReduceSum` and `ReduceMean`: the gradient repeated over what was summed.
struct ReductionRule: GradientRule {
  static let opTypes = ["ReduceMean", "ReduceSum"]

  private let isMean: Bool
  private let axes: [Int]?
  private let keepsOnNone: Bool

  init(_ node: NodeSettings) throws(GradientError) {
    isMean = node.node.opType == "ReduceMean"
    axes = node.node.ints("axes")
    keepsOnNone = node.node.int("noop_with_empty_axes", default: 0) != 0
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (x, gradient) = (try pass.floats(0).shape, try pass.gradient())
    let given = pass.inputs.count > 1 ? pass.inputs[1]?.integers ?? axes ?? [] : axes ?? []
    if given.isEmpty, keepsOnNone { return pass.only(gradient) }
    var extents = x.extents
    for axis in given.isEmpty ? Array(extents.indices) : given {
      extents[try pass.node.axis(axis, order: x.order)] = 1
    }
    let repeated = try gradient.reshaped(Shape(extents)).repeated(to: x, pass.node)
    guard isMean else { return pass.only(repeated) }
    let share = Float(gradient.count) / Float(max(1, x.count))
    return pass.only(repeated.mapped { $0 * share })
  }
}
