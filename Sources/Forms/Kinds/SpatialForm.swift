import Tensors

extension FormKind {
  /// A D x 1 convolution and a 1 x D one.
  ///
  ///     K[t, s, i, j] ~ sum over r of  second[t, r, 0, j] first[r, s, i, 0]
  ///
  /// **Source** Jaderberg et al. arXiv 1405.3866; Tai et al. arXiv 1511.06067.
  public static let spatial = spatialKind("spatial", firstAxis: 0, secondAxis: 1)

  /// The same along the last axis first.
  ///
  ///     K[t, s, i, j] ~ sum over r of  second[t, r, i, 0] first[r, s, 0, j]
  public static let spatialMirrored = spatialKind("spatial-mirrored", firstAxis: 1, secondAxis: 0)

  private static func spatialKind(_ name: String, firstAxis: Int, secondAxis: Int) -> FormKind {
    FormKind(
      name, family: "spatial", ranks: [Rank("rank", cutting: Spectrum(name, title: name))],
      domain: .axes(exactly: 2), parts: ["first", "second"],
      stages: [
        FormStage("first", from: .inputs, to: .rank(0), axes: .axis(firstAxis), layout: .weights),
        FormStage("second", from: .rank(0), to: .outputs, axes: .axis(secondAxis), layout: .weights),
      ],
      fullRanks: { [min($0[1] * $0[2 + firstAxis], $0[0] * $0[2 + secondAxis])] })
  }
}

extension FactoredForm {
  /// A D x 1 convolution and a 1 x D one; `mirrored` runs along the last axis first.
  public static func spatial(rank: Int, mirrored: Bool = false) -> FactoredForm {
    FactoredForm(mirrored ? .spatialMirrored : .spatial, ranks: [rank])
  }
}
