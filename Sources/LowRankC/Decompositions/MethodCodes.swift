internal import CLowRank
internal import Compress
internal import Forms

extension lowrank_method {
  /// The kinds of form by their number in the interface: a new one has one in the header, and its line here.
  private static let kinds: [(method: lowrank_method, kind: FormKind)] = [
    (LOWRANK_DENSE, .dense), (LOWRANK_TUCKER2, .tucker2), (LOWRANK_SVD, .svd), (LOWRANK_SPATIAL, .spatial),
    (LOWRANK_SPATIAL_MIRRORED, .spatialMirrored), (LOWRANK_CHANNEL, .channel),
    (LOWRANK_CHANNEL_MIRRORED, .channelMirrored), (LOWRANK_CP3, .cp3), (LOWRANK_CP4, .cp4),
  ]

  /// The kind of form.
  private func kind() throws(Failure) -> FormKind {
    guard let kind = Self.kinds.first(where: { $0.method == self })?.kind else {
      throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no method \(rawValue)")
    }
    return kind
  }

  /// The form with ranks as they come from outside; whether a kernel allows them is not seen here.
  func form(_ ranks: UnsafePointer<Int64>?, count: Int32) throws(Failure) -> FactoredForm {
    let kind = try kind()
    let expected = kind.ranks.count
    guard count == expected else {
      throw Failure(
        LOWRANK_INVALID_ARGUMENT, "rank_count is \(count), but the form has \(expected) ranks")
    }
    guard expected > 0 else { return FactoredForm(kind, ranks: []) }
    var values: [Int] = []
    for rank in try buffer(ranks, count: expected, "ranks") {
      guard rank >= 1, rank <= Limits.extent else {
        throw Failure(LOWRANK_RANK_OUT_OF_RANGE, "a rank of \(rank)")
      }
      values.append(Int(rank))
    }
    return FactoredForm(kind, ranks: values)
  }

  /// The number of a form's kind.
  ///
  /// **Traps** for a kind that the header lacks.
  init(_ form: FactoredForm) {
    guard let method = Self.kinds.first(where: { $0.kind == form.kind })?.method else {
      preconditionFailure("the C interface has no number for \(form.kind)")
    }
    self = method
  }
}

extension lowrank_model_method {
  /// The methods for whole models by their number in the interface.
  static let methods: [(code: lowrank_model_method, method: CompressionMethod)] = [
    (LOWRANK_MODEL_AUTO, .auto), (LOWRANK_MODEL_TUCKER2, .only(.tucker2)), (LOWRANK_MODEL_SVD, .only(.svd)),
    (LOWRANK_MODEL_SPATIAL, .only(.spatial)), (LOWRANK_MODEL_CHANNEL, .only(.channel)),
  ]
}
