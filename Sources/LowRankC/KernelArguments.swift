internal import CLowRank
internal import Forms
internal import Tensors

/// The extents of a kernel as they come from outside.
func kernelShape(_ shape: UnsafePointer<Int64>?, order: Int32) throws(Failure) -> Shape {
  let order = try number(order, in: 2...Int(LOWRANK_MAX_ORDER), "order")
  let values = try buffer(shape, count: order, "shape")
  var extents: [Int] = []
  for (axis, value) in values.enumerated() {
    extents.append(try number(value, in: 1...Limits.extent, "shape[\(axis)]"))
  }
  guard let shape = Shape(checking: extents), shape.count <= Limits.count else {
    throw Failure(LOWRANK_TOO_LARGE, "a kernel of \(extents) has more elements than BLAS can count")
  }
  return shape
}

/// The ranks as they come from outside; whether a kernel allows them is not seen here.
func rankList(_ ranks: UnsafePointer<Int64>?, count: Int32, method: lowrank_method) throws(Failure) -> [Int] {
  let expected = try method.rankCount()
  guard count == expected else {
    throw Failure(LOWRANK_INVALID_ARGUMENT, "rank_count is \(count), but the form has \(expected) ranks")
  }
  guard expected > 0 else { return [] }
  var values: [Int] = []
  for rank in try buffer(ranks, count: expected, "ranks") {
    guard rank >= 1, rank <= Limits.extent else {
      throw Failure(LOWRANK_RANK_OUT_OF_RANGE, "a rank of \(rank)")
    }
    values.append(Int(rank))
  }
  return values
}

extension lowrank_method {
  /// How many ranks the form has.
  func rankCount() throws(Failure) -> Int {
    switch self {
    case LOWRANK_DENSE: 0
    case LOWRANK_TUCKER2: 2
    case LOWRANK_SVD, LOWRANK_SPATIAL, LOWRANK_SPATIAL_MIRRORED, LOWRANK_CHANNEL, LOWRANK_CHANNEL_MIRRORED,
      LOWRANK_CP3, LOWRANK_CP4:
      1
    default: throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no method \(rawValue)")
    }
  }

  /// The form with its ranks, `rankCount` of them.
  func form(_ ranks: [Int]) throws(Failure) -> FactoredForm {
    guard try rankCount() == ranks.count else {
      throw Failure(LOWRANK_INTERNAL, "\(ranks) for the method \(rawValue)")
    }
    return switch self {
    case LOWRANK_TUCKER2: .tucker2(outputRank: ranks[0], inputRank: ranks[1])
    case LOWRANK_SVD: .svd(rank: ranks[0])
    case LOWRANK_SPATIAL: .spatial(rank: ranks[0])
    case LOWRANK_SPATIAL_MIRRORED: .spatial(rank: ranks[0], mirrored: true)
    case LOWRANK_CHANNEL: .channel(rank: ranks[0])
    case LOWRANK_CHANNEL_MIRRORED: .channel(rank: ranks[0], mirrored: true)
    case LOWRANK_CP3: .cp3(rank: ranks[0])
    case LOWRANK_CP4: .cp4(rank: ranks[0])
    default: .dense
    }
  }

  init(_ form: FactoredForm) {
    switch form {
    case .dense: self = LOWRANK_DENSE
    case .tucker2: self = LOWRANK_TUCKER2
    case .cp3: self = LOWRANK_CP3
    case .cp4: self = LOWRANK_CP4
    case .spatial(_, let mirrored): self = mirrored ? LOWRANK_SPATIAL_MIRRORED : LOWRANK_SPATIAL
    case .channel(_, let mirrored): self = mirrored ? LOWRANK_CHANNEL_MIRRORED : LOWRANK_CHANNEL
    case .svd: self = LOWRANK_SVD
    }
  }
}

extension Tensor {
  /// A copy of a caller's buffer, which must have the elements of the shape.
  init(
    copying elements: UnsafePointer<Element>?, count: Int, shape: Shape, _ name: String
  ) throws(Failure) {
    let source = try buffer(elements, count: count, name)
    try requireCount(count, shape.count, name)
    self.init(shape: shape) { span in
      span.withUnsafeMutableBufferPointer { target in
        _ = target.update(fromContentsOf: source)
      }
    }
  }

  /// Writes the elements to a caller's buffer, which must have as many.
  func copy(to elements: UnsafeMutablePointer<Element>?, count: Int, _ name: String) throws(Failure) {
    let target = try buffer(elements, count: count, name)
    try requireCount(count, self.count, name)
    withSpan { span in
      span.withUnsafeBufferPointer { source in _ = target.update(fromContentsOf: source) }
    }
  }
}
