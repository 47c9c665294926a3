internal import Tensors

/// What the kernel of a layer is made of: layers of the same identity have the same kernel, and can share its factors.
///
/// The weight alone does not tell: a matrix and its transpose may be tied, and the same numbers read in other groups or
/// behind other BatchNormalizations are other kernels.
public struct KernelIdentity: Hashable, Sendable {
  let weight: String
  let op: FactorableLayer.Operator
  let layout: WeightLayout
  let groups: Int
  let kernelShape: Shape?
  /// The layer that a BatchNormalization makes a kernel of its own for.
  let owner: String?
}

extension FactorableLayer {
  /// What the layer's kernel is made of.
  public var kernelIdentity: KernelIdentity {
    KernelIdentity(
      weight: weight, op: op, layout: layout, groups: groups, kernelShape: kernelShape,
      owner: batchNormalization == nil ? nil : name)
  }
}
