import Tensors

extension FormKind {
  /// The layer as it is: one D x D convolution.
  public static let dense = FormKind(
    "dense", ranks: [], domain: .axes(from: 0), parts: ["dense"],
    stages: [FormStage("dense", from: .inputs, to: .outputs, axes: .all, layout: .weights)],
    fullRanks: { _ in [] })
}

extension FactoredForm {
  /// The layer as it is: one D x D convolution.
  public static let dense = FactoredForm(.dense, ranks: [])
}
