public import Tensors

extension Shape {
  /// The multiplies of a convolution with weights of this shape: each weight once at each position of each image.
  ///
  /// **Shapes** weights of [T, S / groups, D...]; `positions` one extent for each spatial axis, those of the output, or of
  /// the input where the convolution is transposed.
  public func multiplies(positions: [Int], images: Int = 1) -> CheckedInteger {
    .product(extents) * .product(positions) * CheckedInteger(images)
  }
}

extension FactoredForm {
  /// The number of weights of all stages, bias apart.
  public func weightCount(kernel shape: Shape, groups: Int = 1) -> Int {
    stages(kernel: shape, groups: groups).reduce(0) { $0 + $1.weightCount }
  }

  /// The multiplies of each stage for one input, from the extents before and after the dense layer.
  ///
  /// A stage computes `outputs x inputs / groups x kernel` multiplies at each of its output positions; an axis has the
  /// layer's output extent once the stage that carries it has run, and the input extent before. A transposed convolution
  /// multiplies at its input positions instead: an axis keeps its input extent until the stage that carries it is done.
  ///
  /// **Shapes** `kernel` [T, S / groups, D...]; `input` and `output` one extent for each spatial axis.
  ///
  /// **Traps** where the numbers of extents differ from the kernel's spatial axes.
  public func stageMultiplies(
    kernel shape: Shape, groups: Int = 1, input: [Int], output: [Int], transposed: Bool = false
  ) -> [CheckedInteger] {
    precondition(
      input.count == shape.order - 2 && output.count == shape.order - 2,
      "\(input.count) and \(output.count) extents for a kernel of \(shape)")
    var carried = [Bool](repeating: false, count: input.count)
    return stages(kernel: shape, groups: groups).map { stage in
      let after = zip(carried, stage.carriesAxis).map { $0 || $1 }
      let done = transposed ? carried : after
      carried = after
      return stage.weightShape.multiplies(positions: done.indices.map { done[$0] ? output[$0] : input[$0] })
    }
  }

  /// The multiplies of all stages together: the last column of the table of forms.
  ///
  /// **Shapes** and **Traps** as `stageMultiplies` has them. Saturates at `Int.max`.
  public func multiplies(
    kernel shape: Shape, groups: Int = 1, input: [Int], output: [Int], transposed: Bool = false
  )
    -> Int
  {
    stageMultiplies(kernel: shape, groups: groups, input: input, output: output, transposed: transposed)
      .reduce(0, +).value ?? .max
  }
}
