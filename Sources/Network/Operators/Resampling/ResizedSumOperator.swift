import Maps
import ModelGraph
import Tensors

/// `x + resize(y)`: what the fusion makes of a `Resize` and an `Add` behind it. Where the resize only repeats elements, they
/// are added straight out of y, each several times.
struct ResizedSumOperator: Lowering {
  private let resize: ResizeOperator
  private let sum: BinaryOperator

  /// The resize and the sum that it stands for.
  init(_ resize: ResizeOperator, _ sum: BinaryOperator) { (self.resize, self.sum) = (resize, sum) }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let (x, ofResize) = (try plan.required(inputs, 0), Array(inputs.dropFirst()))
    if let sum = try repeated(x, ofResize, outputs[0], &plan) { return [sum] }
    let resized = try resize.lower(ofResize, outputs: [""], into: &plan)[0]
    return try sum.lower([x, resized], outputs: outputs, into: &plan)
  }

  /// The sum by views of all values, each resized axis cut in two: that of y, and its repetitions.
  private func repeated(
    _ x: Value, _ inputs: [Value?], _ name: String, _ plan: inout PlanBuilder
  ) throws(LoweringStop) -> Value? {
    let y = try plan.required(inputs, 0)
    guard x.kind == .float, y.kind == .float, let factors = try resize.repetitions(inputs, plan),
      x.extents == zip(y.extents, factors).map({ $0 * $1 }), x.count > 0
    else { return nil }
    func cut(_ extents: [Int]) -> [Int] {
      zip(extents, factors).flatMap { $1 == 1 ? [$0] : [$0 / $1, $1] }
    }
    let output = try plan.make(x.extents, x.type, x.axisOrder, for: name)
    let single = zip(y.extents, factors).flatMap { $1 == 1 ? [$0] : [$0, 1] }
    guard let from = plan.stored(x).reshaped(cut(x.extents)), let small = plan.stored(y).reshaped(single),
      let to = output.reshaped(cut(x.extents)), to.buffer == output.buffer
    else { return nil }
    try plan.apply(.binary(.add), [from, small], to: to)
    return output
  }
}
