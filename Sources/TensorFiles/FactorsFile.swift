public import Forms
public import Tensors

/// Reads and writes the factors of one kernel as a safetensors file.
///
/// The tensors are named as the form's parts: `core`, `mode1`, `mode2` (tucker2), `mode1`, `mode2`, `kernel` (cp3),
/// `mode1`, `mode2`, `vertical`, `horizontal` (cp4), `first`, `second` (spatial and channel: the stages' own weights) and
/// `left`, `right` (svd). The metadata hold the form and the kernel's shape.
public enum FactorsFile {
  /// The factors as a safetensors file.
  public static func file<Element: Scalar>(
    _ kernel: FactoredKernel<Element>, wrap: (Tensor<Element>) -> AnyTensor
  ) -> SafetensorsFile {
    let entries = kernel.parts.map { SafetensorsFile.Entry(wrap($0)) }
    return SafetensorsFile(
      tensors: Dictionary(uniqueKeysWithValues: zip(kernel.form.kind.parts, entries)),
      metadata: [
        "form": kernel.form.description,
        "kernelShape": kernel.kernelShape.extents.map(String.init).joined(separator: ","),
      ])
  }

  /// The factors out of a safetensors file.
  ///
  /// The names of the tensors tell the form, the metadata which it is where several forms have the same parts.
  ///
  /// **Throws** `FileError` where a tensor is missing or the shapes do not fit together; `path` names the file.
  public static func factors<Element: Scalar>(
    _ file: SafetensorsFile, path: String, as: Element.Type = Element.self
  ) throws(FileError) -> FactoredKernel<Element> {
    try FactorsReader(file: file, path: path).factors()
  }
}

/// Puts factors together after checking that their shapes fit, which the factors' own initialiser traps on.
private struct FactorsReader {
  let file: SafetensorsFile
  let path: String

  func factors<Element: Scalar>() throws(FileError) -> FactoredKernel<Element> {
    let kind = try kind()
    var parts: [Tensor<Element>] = []
    for name in kind.parts { parts.append(try tensor(name)) }
    guard let (form, shape) = kind.assembled(from: parts.map(\.shape), kernel: try kernelShape()) else {
      let shapes = file.tensors.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.tensor.shape)" }
      throw FileError(
        path: path, reason: "its tensors do not fit together: \(shapes.joined(separator: ", "))")
    }
    try requireModest(shape.extents)
    // What all stages but the last stand for, a step on the way to the kernel.
    try requireModest([form.ranks.first ?? 1] + shape.extents.dropFirst())
    return FactoredKernel(form: form, kernelShape: shape, parts: parts)
  }

  /// The kind of form whose parts are there.
  private func kind() throws(FileError) -> FormKind {
    let kinds = FormKind.lowRank.filter { file.tensors[$0.mark] != nil }
    guard let first = kinds.first else {
      var marks: [String] = []
      for mark in FormKind.lowRank.map(\.mark) where !marks.contains(mark) { marks.append(mark) }
      throw FileError(
        path: path, reason: "it holds no factors: none of \(marks.joined(separator: ", ")) is there")
    }
    if kinds.count == 1 { return first }
    let named = file.metadata["form"].flatMap { FactoredForm($0)?.kind }
    guard let named, kinds.contains(named), file.metadata["kernelShape"] != nil else {
      throw FileError(path: path, reason: "its metadata lack the form and the kernelShape of the two stages")
    }
    return named
  }

  private func tensor<Element: Scalar>(_ name: String) throws(FileError) -> Tensor<Element> {
    guard let entry = file.tensors[name] else {
      throw FileError(path: path, reason: "the tensor '\(name)' is missing")
    }
    let tensor: Tensor<Element> = entry.tensor.converted()
    guard tensor.count > 0 else { throw FileError(path: path, reason: "the tensor '\(name)' is empty") }
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
}

extension FormKind {
  /// The first part that no form with other parts has: a file with a tensor of that name is of this kind.
  fileprivate var mark: String {
    let others = FormKind.lowRank.filter { $0.parts != parts }.flatMap(\.parts)
    return parts.first { !others.contains($0) } ?? parts[0]
  }
}
