public import ModelGraph
public import Forms
public import Tensors

/// What measures see of a layer, or of layers that share a kernel: those are factored together, so their multiplies add
/// up.
public struct MeasuredLayer: Sendable {
  /// The layers' names.
  public let names: [String]
  /// The dense kernel, [T, S / groups, D...].
  public let kernel: Shape
  /// The number of groups.
  public let groups: Int
  /// Whether the layer is a transposed convolution.
  public let isTransposed: Bool
  /// One entry a use of the kernel; nil where the model does not say.
  public let uses: [LayerExtents]?

  /// The weights of a form, bias apart.
  public func weights(_ form: FactoredForm) -> Int {
    form.weightCount(kernel: kernel, groups: groups)
  }

  /// The multiplies of a form, or nil where the extents are unknown. Saturates at `Int.max`.
  public func multiplies(_ form: FactoredForm) -> Int? {
    uses.map { uses in
      let all = uses.map { use in
        CheckedInteger(
          form.multiplies(
            kernel: kernel, groups: groups, input: use.input, output: use.output, transposed: isTransposed))
          * CheckedInteger(use.repetitions)
      }
      return all.reduce(0, +).value ?? .max
    }
  }

  /// The multiplies of each stage of a form, all uses together, or nil where the extents are unknown.
  func stageMultiplies(_ form: FactoredForm) -> [Double]? {
    uses.map { uses in
      var sums = [Double](repeating: 0, count: form.stages(kernel: kernel, groups: groups).count)
      for use in uses {
        let stages = form.stageMultiplies(
          kernel: kernel, groups: groups, input: use.input, output: use.output, transposed: isTransposed)
        for (place, stage) in stages.enumerated() {
          sums[place] += Double((stage * CheckedInteger(use.repetitions)).value ?? .max)
        }
      }
      return sums
    }
  }
}
