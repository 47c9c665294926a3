import Conv
import Maps
import ModelGraph
import Tensors

/// `Clip`: elements between two bounds, which are settings before version 11 and inputs from it on.
struct ClipOperator: ActivationOperator {
  static let opTypes = ["Clip"]

  /// The bounds that are known when the network is loaded; nil for what is an input, or left out.
  private let low: NetworkTensor?
  private let high: NetworkTensor?
  /// The clip, where a convolution can take it up.
  let activation: Activation?

  init(_ node: NodeReader) throws(NetworkError) {
    if node.opset < 11 {
      func bound(_ name: String) throws(NetworkError) -> NetworkTensor? {
        guard node.has(name) else { return nil }
        return NetworkTensor(Tensor(shape: [], repeating: try node.float(name, default: 0)))
      }
      (low, high) = (try bound("min"), try bound("max"))
    } else {
      let isKnown = [1, 2].allSatisfy { node.node.input($0) == nil || node.isConstant($0) }
      (low, high) = isKnown ? (try node.takeConstant(1), try node.takeConstant(2)) : (nil, nil)
    }
    activation = try Self.activation(
      low, high,
      isKnown: node.opset < 11
        || [1, 2].allSatisfy {
          node.node.input($0) == nil || node.takenInputs.contains($0)
        })
  }

  private static func activation(
    _ low: NetworkTensor?, _ high: NetworkTensor?, isKnown: Bool
  ) throws(NetworkError) -> Activation? {
    guard isKnown, low != nil || high != nil else { return nil }
    func number(_ bound: NetworkTensor?, _ other: Double) -> Double? {
      guard let bound else { return other }
      guard let floats = bound.floats, floats.count == 1 else { return nil }
      return Double(floats.elements[0])
    }
    guard let least = number(low, -.infinity), let most = number(high, .infinity), least <= most else {
      return nil
    }
    return .clip(low: least, high: most)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = try plan.required(inputs, 0)
    if let activation, input.kind == .float {
      let output = try plan.makeLike(input, input.type, for: outputs[0])
      try plan.apply(.activation(activation), [input], to: output)
      return [output]
    }
    func bound(_ known: NetworkTensor?, _ place: Int) -> Value? {
      known.map { plan.known($0, isPermanent: true) } ?? (inputs.count > place ? inputs[place] : nil)
    }
    // The upper bound counts where the bounds are not in order.
    let bounds = [(bound(low, 1), true), (bound(high, 2), false)]
    guard bounds.contains(where: { $0.0 != nil }) else { return [input] }
    var value = input
    for case (let bound?, let isLower) in bounds {
      guard bound.count == 1, bound.kind == input.kind else {
        throw plan.failure("a bound of \(bound.type) and \(bound.extents) for \(input.type)")
      }
      let scalar = plan.stored(bound).reshaped([]) ?? bound
      let output = try plan.makeLike(input, input.type, for: "")
      let operation: LineOperation =
        input.kind == .float
        ? .binary(isLower ? .maximum : .minimum) : .integerBinary(isLower ? .maximum : .minimum)
      try plan.apply(operation, [value, scalar], to: output)
      value = output
    }
    return [value]
  }
}
