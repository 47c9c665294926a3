import Conv
import LinearAlgebra
import TensorCore
import Testing

/// Runs a plan with guard bands before and behind input and output, the output full of NaN beforehand; records an issue where a guard was touched.
func runGuarded<E: LapackScalar>(_ plan: ConvolutionPlan<E>, _ input: Tensor<E>) -> Tensor<E> {
  let (guardCount, mark) = (32, E(12_345))
  let (inputs, outputs) = (plan.geometry.inputShape.count, plan.geometry.outputShape.count)
  let padding = [E](repeating: .nan, count: guardCount)
  let guardedInput = padding + input.elements + padding
  var guardedOutput = [E](repeating: mark, count: outputs + 2 * guardCount)
  for i in 0..<outputs { guardedOutput[guardCount + i] = .nan }
  var workspace = plan.makeWorkspace()
  guardedOutput.withUnsafeMutableBufferPointer { buffer in
    var inner = UnsafeMutableBufferPointer(rebasing: buffer[guardCount..<(guardCount + outputs)]).mutableSpan
    plan.run(
      input: guardedInput.span.extracting(guardCount..<(guardCount + inputs)), output: &inner,
      workspace: &workspace)
  }
  let untouched = (guardedOutput.prefix(guardCount) + guardedOutput.suffix(guardCount)).allSatisfy {
    $0 == mark
  }
  #expect(untouched, "\(plan.geometry) wrote outside its output")
  return Tensor(
    shape: plan.geometry.outputShape, elements: guardedOutput[guardCount..<(guardCount + outputs)])
}
