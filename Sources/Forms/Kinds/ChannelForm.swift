import Tensors

extension FormKind {
  /// A D x D convolution to R channels and a 1x1.
  ///
  ///     K[t, s, ...] ~ sum over r of  second[t, r, 0...] first[r, s, ...]
  ///
  /// **Source** Zhang et al. arXiv 1505.06798.
  public static let channel = FormKind(
    "channel", ranks: [Rank("rank", cutting: .outputChannels)], domain: .axes(from: 0),
    parts: ["first", "second"],
    stages: [
      FormStage("first", from: .inputs, to: .rank(0), axes: .all, layout: .weights),
      FormStage("second", from: .rank(0), to: .outputs, axes: .none, layout: .weights),
    ],
    fullRanks: { [min($0[0], $0.count / max(1, $0[0]))] })

  /// The same beginning with the 1x1.
  ///
  ///     K[t, s, ...] ~ sum over r of  second[t, r, ...] first[r, s, 0...]
  public static let channelMirrored = FormKind(
    "channel-mirrored", family: "channel", ranks: [Rank("rank", cutting: .inputChannels)],
    domain: .axes(from: 0), parts: ["first", "second"],
    stages: [
      FormStage("first", from: .inputs, to: .rank(0), axes: .none, layout: .weights),
      FormStage("second", from: .rank(0), to: .outputs, axes: .all, layout: .weights),
    ],
    fullRanks: { [min($0[1], $0.count / max(1, $0[1]))] })
}

extension FactoredForm {
  /// A D x D convolution to R channels and a 1x1; `mirrored` begins with the 1x1.
  public static func channel(rank: Int, mirrored: Bool = false) -> FactoredForm {
    FactoredForm(mirrored ? .channelMirrored : .channel, ranks: [rank])
  }
}
