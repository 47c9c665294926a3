import Tensors

extension ConvolutionPlan {
  /// Computes the convolution in memory of somebody else's; see `run(input:adding:output:workspace:)`. The residual may be
  /// the output.
  ///
  /// **Shapes** from the first element of each map to the last at least.
  ///
  /// **Traps** where a count does not fit or the workspace is too small.
  ///
  /// **Complexity** allocates nothing.
  package func run(
    input: MemorySlice<Element>, residual: MemorySlice<Element>?, output: MemorySlice<Element>,
    workspace: MemorySlice<UInt8>
  ) {
    if let residual { requireCount(residual.count, ends.output, outputShape, "residual") }
    let workspace = Workspace(
      borrowing: UnsafeMutableRawBufferPointer(start: workspace.base, count: workspace.count))
    _ = run(
      UnsafeBufferPointer(start: input.base, count: input.count),
      adding: residual.map { UnsafePointer($0.base) },
      output: UnsafeMutableBufferPointer(start: output.base, count: output.count), workspace)
  }

  /// The elements of the input and of the output from the first to the last, gaps included.
  package var spans: (input: Int, output: Int) { (ends.input.span, ends.output.span) }
}
