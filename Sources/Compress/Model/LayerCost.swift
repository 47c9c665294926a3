import ModelGraph
import Forms
import Tensors

/// What a layer costs in each form: weights always, multiplies where the model's shapes are known.
///
/// Layers that share a weight are factored together, so their multiplies add up.
struct LayerCost: Sendable {
  /// The dense kernel, [T, S / groups, D...].
  let kernel: Shape
  /// The number of groups.
  let groups: Int
  /// Whether the layer is a transposed convolution.
  let isTransposed: Bool
  /// One entry a use of the weight; nil where the model does not say.
  let uses: [LayerExtents]?

  /// The weights of a form, bias apart.
  func weights(_ form: FactoredForm) -> Int {
    form.weightCount(kernel: kernel, groups: groups)
  }

  /// The multiplies of a form, or nil where the extents are unknown.
  func multiplies(_ form: FactoredForm) -> Int? {
    uses?.reduce(0) { total, use in
      let once = form.multiplies(
        kernel: kernel, groups: groups, input: use.input, output: use.output, transposed: isTransposed)
      let (product, overflow) = once.multipliedReportingOverflow(by: use.repetitions)
      let (sum, second) = total.addingReportingOverflow(product)
      return overflow || second ? .max : sum
    }
  }

  /// What forms are compared by: multiplies, or weights where multiplies are unknown.
  func price(_ form: FactoredForm) -> Int {
    multiplies(form) ?? weights(form)
  }

  /// What `price` counts.
  var unit: String { uses == nil ? "weights" : "multiplies" }
}
