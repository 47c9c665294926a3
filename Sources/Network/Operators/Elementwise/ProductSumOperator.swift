import Maps
import ModelGraph

/// `x y + z` in one step: what the fusion makes of a `Mul` and an `Add` behind it.
///
/// **Accuracy** one rounding less than the two nodes where the processor has fused multiply-adds.
struct ProductSumOperator: Lowering {
  private let product: BinaryOperator
  private let sum: BinaryOperator
  private let productIsFirst: Bool

  /// The product and the sum that it stands for.
  init(_ product: BinaryOperator, _ sum: BinaryOperator, productIsFirst: Bool) {
    (self.product, self.sum, self.productIsFirst) = (product, sum, productIsFirst)
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let (x, y, z) = (try plan.required(inputs, 0), try plan.required(inputs, 1), try plan.required(inputs, 2))
    guard x.kind == .float, y.kind == .float, z.kind == .float,
      let factors = broadcastExtents(x.extents, y.extents),
      let extents = broadcastExtents(factors, z.extents)
    else {
      // Integers, and extents that do not fit, are the two nodes' own business.
      let product = try product.lower([x, y], outputs: [""], into: &plan)[0]
      return try sum.lower(productIsFirst ? [product, z] : [z, product], outputs: outputs, into: &plan)
    }
    let whole = [x, y, z].filter { $0.extents == extents }
    let order = whole.contains { $0.axisOrder == .channelLast } ? AxisOrder.channelLast : .rowMajor
    let output = try plan.make(extents, x.type, order, for: outputs[0])
    try plan.apply(.multiplyAdd, [x, y, z], to: output)
    return [output]
  }
}
