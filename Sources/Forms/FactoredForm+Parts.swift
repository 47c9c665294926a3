public import Tensors

extension FactoredForm {
  /// The shapes of the factors of a kernel `[T, S, D...]`, in the order of `kind.parts`.
  ///
  /// **Traps** where the form does not fit the kernel.
  public func partShapes(kernel shape: Shape) -> [Shape] {
    precondition(kind.fits(kernel: shape), "a kernel of \(shape) has no \(kind) form")
    return kind.partExtents(spatialAxes: shape.order - 2).map { extents in
      Shape(
        extents.map { extent in
          switch extent {
          case .channels(.outputs): shape[0]
          case .channels(.inputs): shape[1]
          case .channels(.rank(let place)): ranks[place]
          case .axis(let axis): shape[2 + axis]
          case .one: 1
          }
        })
    }
  }
}

extension FormKind {
  /// The form and the kernel that parts of these shapes make, the inverse of `FactoredForm.partShapes`; nil where they do
  /// not fit together.
  ///
  /// **Shapes** one for each of `parts`, none of them empty. `kernel` is for forms whose parts do not tell the number of
  /// spatial axes, those of matrices, where it is not 0; what the parts tell it must not contradict.
  public func assembled(
    from shapes: [Shape], kernel: Shape? = nil
  ) -> (form: FactoredForm, kernelShape: Shape)? {
    guard shapes.count == parts.count, let axes = spatialAxes(shapes, kernel), axes >= 0 else { return nil }
    var known: [FormStage.Extent: Int] = [.one: 1]
    for (extents, shape) in zip(partExtents(spatialAxes: axes), shapes) {
      guard extents.count == shape.order else { return nil }
      for (extent, value) in zip(extents, shape.extents)
      where known.updateValue(value, forKey: extent) ?? value != value {
        return nil
      }
    }
    let channels = [known[.channels(.outputs)], known[.channels(.inputs)]].compactMap { $0 }
    let found = ranks.indices.compactMap { known[.channels(.rank($0))] }
    let extents = channels + (0..<axes).map { known[.axis($0)] ?? 1 }
    guard channels.count == 2, found.count == ranks.count, let shape = Shape(checking: extents),
      fits(kernel: shape), kernel ?? shape == shape
    else { return nil }
    return (FactoredForm(self, ranks: found), shape)
  }

  /// The extents of the parts, in their order.
  func partExtents(spatialAxes: Int) -> [[FormStage.Extent]] {
    parts.compactMap { part in
      stages.first { $0.name == part }?.partExtents(spatialAxes: spatialAxes)
    }
  }

  /// The number of the kernel's spatial axes.
  private func spatialAxes(_ shapes: [Shape], _ kernel: Shape?) -> Int? {
    if domain.isExact { return domain.spatialAxes.lowerBound }
    let told = zip(parts, shapes).compactMap { part, shape in
      stages.first { $0.name == part }?.spatialAxes(partOrder: shape.order)
    }
    return told.first ?? kernel.map { $0.order - 2 } ?? 0
  }
}
