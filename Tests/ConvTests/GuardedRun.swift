import Conv
import LinearAlgebra
import TensorCore
import Testing

/// Runs a plan with guard bands before and behind input and output and behind the workspace, output and workspace full of
/// NaN beforehand; records an issue where a guard was touched.
func runGuarded<E: LapackScalar>(
  _ plan: ConvolutionPlan<E>, _ input: Tensor<E>, adding residual: Tensor<E>? = nil
) -> Tensor<E> {
  let (guardCount, mark) = (32, E(12_345))
  let (inputs, outputs) = (plan.geometry.inputShape.count, plan.geometry.outputShape.count)
  let padding = [E](repeating: .nan, count: guardCount)
  let guardedInput = padding + input.elements + padding
  var guardedOutput = [E](repeating: mark, count: outputs + 2 * guardCount)
  for i in 0..<outputs { guardedOutput[guardCount + i] = .nan }
  var layout = WorkspaceLayout()
  let (inside, behind) = (
    layout.reserve(E.self, count: plan.workspaceByteCount / MemoryLayout<E>.stride),
    layout.reserve(E.self, count: guardCount)
  )
  var workspace = Workspace(layout)
  workspace.pointer(to: inside).update(repeating: .nan, count: inside.count)
  workspace.pointer(to: behind).update(repeating: mark, count: guardCount)
  let inner = guardedInput.span.extracting(guardCount..<(guardCount + inputs))
  guardedOutput.withUnsafeMutableBufferPointer { buffer in
    var output = UnsafeMutableBufferPointer(rebasing: buffer[guardCount..<(guardCount + outputs)]).mutableSpan
    if let residual {
      residual.withSpan { plan.run(input: inner, adding: $0, output: &output, workspace: &workspace) }
    } else {
      plan.run(input: inner, output: &output, workspace: &workspace)
    }
  }
  let untouched = (guardedOutput.prefix(guardCount) + guardedOutput.suffix(guardCount)).allSatisfy {
    $0 == mark
  }
  #expect(untouched, "\(plan.geometry) wrote outside its output")
  let kept = UnsafeBufferPointer(start: workspace.pointer(to: behind), count: guardCount).allSatisfy {
    $0 == mark
  }
  #expect(kept, "\(plan.geometry) wrote behind its workspace")
  return Tensor(
    shape: plan.geometry.outputShape, elements: guardedOutput[guardCount..<(guardCount + outputs)])
}
