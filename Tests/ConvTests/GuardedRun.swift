import Conv
import LinearAlgebra
import Tensors
import Testing

/// Runs a plan with guard bands before and behind input and output and around every region of the workspace, output and
/// workspace full of NaN beforehand; records an issue where a guard was touched.
func runGuarded<E: LapackScalar>(
  _ plan: ConvolutionPlan<E>, _ input: Tensor<E>, adding residual: Tensor<E>? = nil
) -> Tensor<E> {
  // More than the longest vector: a kernel that runs over by one is caught.
  let (guardCount, mark) = (32, E(12_345))
  let plan = plan.withRedZones(ofBytes: 1024)
  let (inputs, outputs) = (plan.inputShape.count, plan.outputShape.count)
  let padding = [E](repeating: .nan, count: guardCount)
  let guardedInput = padding + input.elements + padding
  var guardedOutput = [E](repeating: mark, count: outputs + 2 * guardCount)
  for i in 0..<outputs { guardedOutput[guardCount + i] = .nan }
  var workspace = plan.makeWorkspace()
  fill(workspace, plan.layout, with: E.nan)
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
  #expect(untouched, "\(plan.stages) wrote outside its output")
  #expect(
    damagedRedZone(workspace, plan.layout) == nil,
    "\(plan.stages) \(plan.options) left a region of its workspace")
  return Tensor(
    shape: plan.outputShape, elements: guardedOutput[guardCount..<(guardCount + outputs)])
}

/// The bytes of red zones: as numbers they are NaN, which a result shows where it was computed from them, and as addresses
/// none that a processor follows.
private let redZoneByte: UInt8 = 0xFF

/// Fills a workspace with `element`, its red zones with `redZoneByte`.
func fill<E: LapackScalar>(_ workspace: borrowing Workspace, _ layout: WorkspaceLayout, with element: E) {
  var whole = WorkspaceLayout()
  let elements = whole.reserve(E.self, count: layout.byteCount / MemoryLayout<E>.stride)
  workspace.pointer(to: elements).update(repeating: element, count: elements.count)
  for zone in layout.redZones {
    workspace.pointer(to: zone).update(repeating: redZoneByte, count: zone.count)
  }
}

/// The number of the first red zone that was written to.
func damagedRedZone(_ workspace: borrowing Workspace, _ layout: WorkspaceLayout) -> Int? {
  for (index, zone) in layout.redZones.enumerated() {
    let bytes = UnsafeBufferPointer(start: workspace.pointer(to: zone), count: zone.count)
    if bytes.contains(where: { $0 != redZoneByte }) { return index }
  }
  return nil
}
