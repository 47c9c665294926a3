public import Forms
public import Tensors

/// Reads and writes the factors of one kernel as a safetensors file.
///
/// The tensors are named `core`, `mode1`, `mode2` (tucker2), `mode1`, `mode2`, `kernel` (cp3), `mode1`, `mode2`,
/// `vertical`, `horizontal` (cp4), `first`, `second` (spatial and channel: the stages' own weights) and `left`, `right`
/// (svd). The metadata hold the form and the kernel's shape.
public enum FactorsFile {
  /// The factors as a safetensors file.
  public static func file<Element: Scalar>(
    _ kernel: FactoredKernel<Element>, wrap: (Tensor<Element>) -> AnyTensor
  ) -> SafetensorsFile {
    let factors: [String: Tensor<Element>] =
      switch kernel {
      case .tucker2(let f): ["core": f.core, "mode1": f.mode1, "mode2": f.mode2]
      case .cp3(let f): ["mode1": f.mode1, "mode2": f.mode2, "kernel": f.kernel]
      case .cp4(let f):
        ["mode1": f.mode1, "mode2": f.mode2, "vertical": f.vertical, "horizontal": f.horizontal]
      case .pair(let f): ["first": f.first, "second": f.second]
      case .svd(let f): ["left": f.left, "right": f.right]
      }
    return SafetensorsFile(
      tensors: factors.mapValues { SafetensorsFile.Entry(wrap($0)) },
      metadata: [
        "form": kernel.form.description,
        "kernelShape": kernel.kernelShape.extents.map(String.init).joined(separator: ","),
      ])
  }

  /// The factors out of a safetensors file.
  ///
  /// **Throws** `FileError` where a tensor is missing or the shapes do not fit together; `path` names the file.
  public static func factors<Element: Scalar>(
    _ file: SafetensorsFile, path: String, as: Element.Type = Element.self
  ) throws(FileError) -> FactoredKernel<Element> {
    let reader = FactorsReader<Element>(file: file, path: path)
    if file.tensors["core"] != nil { return try reader.tucker2() }
    if file.tensors["left"] != nil { return try reader.svd() }
    if file.tensors["first"] != nil { return try reader.pair() }
    if file.tensors["vertical"] != nil { return try reader.cp4() }
    if file.tensors["kernel"] != nil { return try reader.cp3() }
    throw FileError(
      path: path, reason: "it holds no factors: none of core, left, first, vertical, kernel is there")
  }
}

/// Puts factors together after checking that their shapes fit, which the factors' own initialisers trap on.
private struct FactorsReader<Element: Scalar> {
  let file: SafetensorsFile
  let path: String

  func tucker2() throws(FileError) -> FactoredKernel<Element> {
    let core = try tensor("core")
    let (mode1, mode2) = (try matrix("mode1"), try matrix("mode2"))
    try require(core.shape.order >= 2 && mode1.shape[1] == core.shape[0] && mode2.shape[1] == core.shape[1])
    let spatial = core.shape.extents.dropFirst(2)
    try requireModest([mode1.shape[0], mode2.shape[0]] + spatial)
    try requireModest([mode1.shape[1], mode2.shape[0]] + spatial)
    return .tucker2(Tucker2Factors(core: core, mode1: mode1, mode2: mode2))
  }

  func cp3() throws(FileError) -> FactoredKernel<Element> {
    let kernel = try tensor("kernel")
    let (mode1, mode2) = (try matrix("mode1"), try matrix("mode2"))
    try require(
      kernel.shape.order >= 2 && mode1.shape[1] == kernel.shape[0] && mode2.shape[1] == kernel.shape[0])
    let spatial = kernel.shape.extents.dropFirst(1)
    try requireModest([mode1.shape[0], mode2.shape[0]] + spatial)
    try requireModest([mode1.shape[1], mode2.shape[0]] + spatial)
    return .cp3(CP3Factors(mode1: mode1, mode2: mode2, kernel: kernel))
  }

  func cp4() throws(FileError) -> FactoredKernel<Element> {
    let (vertical, horizontal) = (try matrix("vertical"), try matrix("horizontal"))
    let (mode1, mode2) = (try matrix("mode1"), try matrix("mode2"))
    let rank = vertical.shape[0]
    try require(horizontal.shape[0] == rank && mode1.shape[1] == rank && mode2.shape[1] == rank)
    let spatial = [vertical.shape[1], horizontal.shape[1]]
    try requireModest([mode1.shape[0], mode2.shape[0]] + spatial)
    try requireModest([rank, mode2.shape[0]] + spatial)
    return .cp4(CP4Factors(mode1: mode1, mode2: mode2, vertical: vertical, horizontal: horizontal))
  }

  func svd() throws(FileError) -> FactoredKernel<Element> {
    let (left, right) = (try matrix("left"), try matrix("right"))
    try requireModest([left.shape[0], right.shape[1]])
    let shape = try kernelShape() ?? [left.shape[0], right.shape[1]]
    try require(
      left.shape[1] == right.shape[0] && shape.order >= 2 && shape[0] == left.shape[0]
        && shape[1] == right.shape[1] && shape.extents.dropFirst(2).allSatisfy { $0 == 1 })
    return .svd(MatrixFactors(left: left, right: right, kernelShape: shape))
  }

  func pair() throws(FileError) -> FactoredKernel<Element> {
    let (first, second) = (try tensor("first"), try tensor("second"))
    guard let shape = try kernelShape(), let form = file.metadata["form"].flatMap({ FactoredForm($0) }) else {
      throw FileError(path: path, reason: "its metadata lack the form and the kernelShape of the two stages")
    }
    try require(form.method.hasPrefix("spatial") || form.method.hasPrefix("channel"))
    try requireModest(shape.extents)
    // Before the stages are worked out: no rank can be beyond what the file holds.
    try require(form.fits(kernel: shape) && form.ranks.allSatisfy { $0 <= first.count })
    try require(form.stages(kernel: shape).map(\.weightShape) == [first.shape, second.shape])
    return .pair(StagePair(first: first, second: second, form: form, kernelShape: shape))
  }

  private func tensor(_ name: String) throws(FileError) -> Tensor<Element> {
    guard let entry = file.tensors[name] else {
      throw FileError(path: path, reason: "the tensor '\(name)' is missing")
    }
    let tensor: Tensor<Element> = entry.tensor.converted()
    guard tensor.count > 0 else { throw FileError(path: path, reason: "the tensor '\(name)' is empty") }
    return tensor
  }

  private func matrix(_ name: String) throws(FileError) -> Tensor<Element> {
    let tensor = try tensor(name)
    guard tensor.shape.order == 2 else {
      throw FileError(path: path, reason: "the tensor '\(name)' of \(tensor.shape) is no matrix")
    }
    return tensor
  }

  private func kernelShape() throws(FileError) -> Shape? {
    guard let text = file.metadata["kernelShape"] else { return nil }
    let extents = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
    guard let shape = Shape(checking: extents), shape.count > 0 else {
      throw FileError(path: path, reason: "its kernelShape '\(text)' is no shape")
    }
    return shape
  }

  /// Throws for a kernel, or a step on the way to it, too large to be meant: small factors can stand for one that no
  /// machine holds.
  private func requireModest(_ extents: [Int]) throws(FileError) {
    guard let shape = Shape(checking: extents), shape.count <= 1 << 31 else {
      let text = extents.map(String.init).joined(separator: "x")
      throw FileError(path: path, reason: "the kernel that its factors stand for is too large: \(text)")
    }
  }

  private func require(_ condition: Bool) throws(FileError) {
    guard condition else {
      let shapes = file.tensors.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.tensor.shape)" }
      throw FileError(
        path: path, reason: "its tensors do not fit together: \(shapes.joined(separator: ", "))")
    }
  }
}
