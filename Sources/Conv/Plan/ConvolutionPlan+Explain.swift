import Tensors

extension ConvolutionPlan {
  /// The Winograd form of a stage; nil where it runs by its definition.
  func winogradForm(ofStage index: Int) -> WinogradForm? {
    guard let banded, banded.design.core.contains(index),
      case .winograd(let form) = banded.design.algorithm(index)
    else { return nil }
    return form
  }

  /// What the plan chose and why, in words: a line for the whole and one for each stage.
  public var explain: String {
    guard let banded else {
      let reason =
        usesOwnGEMM
        ? "kernels of this package, because bands are of at most two spatial axes"
        : options.backend == .blas
          ? "CBLAS, as the options ask" : "CBLAS, because the kernels of this package are for Float"
      let sharing = threadCount > 1 ? "; \(threadCount) threads share every stage" : ""
      return
        "Stage after stage by im2col and \(reason)\(sharing); \(bytes(workspaceByteCount)) of workspace."
    }
    return ([banded.summary(bytes(workspaceByteCount))] + stages.indices.map { banded.summary(stage: $0) })
      .joined(separator: "\n")
  }

  private func bytes(_ count: Int) -> String {
    count < 10 << 20 ? "\((count + 1023) >> 10) KiB" : "\((count + (1 << 20) - 1) >> 20) MiB"
  }
}

extension BandedConvolution {
  /// How the stages run together.
  fileprivate func summary(_ workspace: String) -> String {
    let bands = (design.rowsOfSlot + design.band - 1) / design.band
    var words = "\(kernelsName) kernels, "
    if let stack = design.stack { words += "\(stack.images) images one below the other, " }
    if design.slots > 1 { words += "\(design.slots) threads with rows of their own, each " }
    words +=
      bands == 1
      ? "all \(design.rowsOfSlot) output rows together"
      : "\(bands) bands of \(design.band) output rows, their maps kept in the cache"
    if design.parts > 1 {
      words +=
        "; \(design.parts) threads share the columns of every stage, for the image is small beside the weights"
    }
    words += "; \(workspace) of workspace."
    if !alternatives.isEmpty {
      let others = alternatives.map { "\($0.name) \(($0.ratio * 100).rounded() / 100)" }
      words += " Estimated times beside the choice's: " + others.joined(separator: ", ") + "."
    }
    return words
  }

  /// How one stage runs.
  fileprivate func summary(stage index: Int) -> String {
    let plane = design.planes[index]
    let shape =
      "\(plane.kernel.height)x\(plane.kernel.width), \(plane.inputChannels) to \(plane.outputChannels) channels: "
    if design.isSinglePointwise { return shape + "a product with the input as it lies" }
    if index == 0, design.entersPointwise {
      return shape
        + "a product with the input as it lies, written channel-last, panels of \(design.panel(0)) vectors"
    }
    if index == design.planes.count - 1, design.leavesPointwise {
      return shape
        + (design.exitPanel.map {
          "panels of \($0) vectors on channel-last rows, turned channel-first at the end"
        }
          ?? "a product with the map turned channel-first, written as the output lies")
    }
    switch design.algorithm(index) {
    case .depthwise: return shape + "depthwise on channel-last rows"
    case .direct:
      let blocks = design.blocks[index]
      let groups =
        plane.groups == 1
        ? ""
        : "\(plane.groups) groups in \(blocks.count) blocks of \(blocks.inputs) to \(blocks.outputs) channels, "
      return shape + groups
        + "a product for each tap on padded rows, panels of \(design.panel(index)) vectors"
    case .winograd(let form):
      return shape
        + "Winograd \(form.name), \(form.points) multiplies for"
        + " \(form.kernels.height * form.kernels.width * form.tiles.height * form.tiles.width),"
        + " \(design.pixelsTogether(index)) tiles together, panels of \(design.panel(index)) vectors"
        + (design.makesWeights(index) ? ", weights transformed in each run" : "")
    }
  }

  private var kernelsName: String { String(cString: kernels.name) }
}
