import Conv
import LinearAlgebra
import Maps
import ModelGraph
import Tensors

/// `Gemm`: `alpha op(A) op(B) + beta C`, a packed product where B is constant.
struct GemmOperator: DenseOperator {
  static let opTypes = ["Gemm"]

  private let alpha: Float
  private let beta: Float
  private let transposesA: Bool
  private let transposesB: Bool
  private(set) var product: DenseProduct?

  init(_ node: NodeReader) throws(NetworkError) {
    alpha = try node.float("alpha", default: 1)
    beta = try node.float("beta", default: 1)
    transposesA = try node.flag("transA")
    transposesB = try node.flag("transB")
    node.ignore("broadcast")
    guard node.isConstant(1), try node.hasRowOrNothing(2) else {
      product = nil
      return
    }
    guard let matrix = try node.takeConstant(1)?.floats, matrix.shape.order == 2, matrix.count > 0 else {
      throw node.failure("its weights are no matrix of floats")
    }
    let outputsFirst = transposesB ? matrix : matrix.permuted([1, 0])
    let bias = try node.takeConstant(2)?.floats
    let count = outputsFirst.shape[0]
    var row: Tensor<Float>?
    if let bias {
      guard bias.count == count || bias.count == 1 else {
        throw node.failure("a C of \(bias.shape) for \(count) columns")
      }
      row = bias.count == 1 ? Tensor(shape: [count], repeating: bias.elements[0]) : bias.reshaped([count])
      row = row?.scaled(by: beta)
    }
    do throws(ConvError) {
      product = try DenseProduct(
        weights: alpha == 1 ? outputsFirst : outputsFirst.scaled(by: alpha), bias: row,
        options: node.options.convolution)
    } catch { throw node.failure("\(error)") }
  }

  func with(_ product: DenseProduct) -> GemmOperator {
    var other = self
    other.product = product
    return other
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let given = try plan.required(inputs, 0)
    guard given.order == 2 else { throw plan.failure("an A of \(given.extents)") }
    let a = transposesA ? plan.stored(given).permuted([1, 0]) : given
    if let product {
      guard a.kind == .float, a.extents[1] == product.inputs else {
        throw plan.failure("an A of \(a.extents) for \(product.inputs) rows of B")
      }
      return [try product.lower(try plan.arranged(a), for: outputs[0], &plan)]
    }
    let given2 = plan.stored(try plan.required(inputs, 1))
    guard given2.order == 2 else { throw plan.failure("a B of \(given2.extents)") }
    let b = transposesB ? given2.permuted([1, 0]) : given2
    var result = try plan.product(a, b, for: outputs[0])
    if alpha != 1 { try plan.apply(.binary(.multiply), [result, plan.scalar(alpha)], to: result) }
    guard let c = plan.optional(inputs, 2), beta != 0 else { return [result] }
    guard broadcastExtents(c.extents, result.extents) == result.extents else {
      throw plan.failure("a C of \(c.extents) for a result of \(result.extents)")
    }
    var scaled = c
    if beta != 1 {
      scaled = try plan.makeLike(c, c.type, for: "")
      try plan.apply(.binary(.multiply), [c, plan.scalar(beta)], to: scaled)
    }
    if result.kind != scaled.kind { result = try plan.converted(result, to: scaled.type) }
    try plan.apply(.binary(.add), [result, scaled], to: result)
    return [result]
  }
}

extension NodeReader {
  /// Whether an input is absent, or a constant of one number for each column, which all rows share.
  fileprivate func hasRowOrNothing(_ place: Int) throws(NetworkError) -> Bool {
    guard node.input(place) != nil else { return true }
    guard let extents = try constantExtents(place), extents.count <= 2 else { return false }
    return extents.dropLast().allSatisfy { $0 == 1 }
  }
}

extension Tensor<Float> {
  /// Every element times a number.
  func scaled(by factor: Float) -> Tensor {
    var result = self
    result.withMutableSlice { elements in
      for i in 0..<elements.count { elements[i] *= factor }
    }
    return result
  }
}
