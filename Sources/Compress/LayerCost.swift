import TensorCore

/// What a layer costs in each form: weights always, multiplies where the model's shapes are known.
public struct LayerCost: Sendable {
  /// The dense kernel, [T, S / groups, D...].
  public let kernel: Shape
  /// The number of groups.
  public let groups: Int
  /// Spatial extents before and after the layer; nil where the model does not say.
  public let extents: (input: [Int], output: [Int])?
  /// How many times the layer runs for one input of the model: the batch, or the rows of a MatMul.
  public let repetitions: Int

  /// The weights of a form, bias apart.
  public func weights(_ form: FactoredForm) -> Int {
    form.weightCount(kernel: kernel, groups: groups)
  }

  /// The multiplies of a form, or nil where the extents are unknown.
  public func multiplies(_ form: FactoredForm) -> Int? {
    guard let extents else { return nil }
    let once = form.multiplies(kernel: kernel, groups: groups, input: extents.input, output: extents.output)
    let (product, overflow) = once.multipliedReportingOverflow(by: repetitions)
    return overflow ? .max : product
  }

  /// What forms are compared by: multiplies, or weights where multiplies are unknown.
  func price(_ form: FactoredForm) -> Int {
    multiplies(form) ?? weights(form)
  }
}
