import Conv
import Tensors

extension PlanBuilder {
  /// Adds the run of a convolution of a known size, with `residual`, which lies as the output does, added where there is
  /// one.
  mutating func add(
    _ sized: ConvolutionPlan<Float>, of input: Value, adding residual: Value? = nil, to output: Value
  ) throws(LoweringStop) {
    let hasResidual = residual != nil
    try add(
      reads: [input] + (residual.map { [$0] } ?? []), writes: [output],
      scratch: sized.workspaceByteCount + Workspace.alignment, detail: sized.explain,
      multiplies: sized.multiplies
    ) { memory in
      let last = hasResidual ? 2 : 1
      sized.run(
        input: memory.floats(0), residual: hasResidual ? memory.floats(1) : nil, output: memory.floats(last),
        workspace: memory.bytes(last + 1))
    }
  }
}
