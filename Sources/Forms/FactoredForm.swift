public import Tensors

/// A low-rank form of a convolution or fully connected layer with its ranks, before anything is factored.
///
/// The stages that a form is run as depend only on the kernel's shape and the ranks, so costs are known before the
/// decomposition. See the table of forms in the README.
public struct FactoredForm: Hashable, Sendable {
  /// The kind of form.
  public let kind: FormKind
  /// The ranks in mode order (output channels first); empty for the dense form.
  public let ranks: [Int]

  /// A form of a kind.
  ///
  /// **Traps** where the kind has another number of ranks.
  public init(_ kind: FormKind, ranks: [Int]) {
    precondition(ranks.count == kind.ranks.count, "\(kind) has \(kind.ranks.count) ranks, not \(ranks)")
    self.kind = kind
    self.ranks = ranks
  }

  /// Whether a kernel of this shape has the form at all.
  public func fits(kernel shape: Shape) -> Bool { kind.fits(kernel: shape) }

  /// The stages of a layer with kernel `[T, S / groups, D...]`, in the order they run.
  ///
  /// With more than one group the ranks hold for each group.
  ///
  /// **Traps** where `fits(kernel:)` is false.
  public func stages(kernel shape: Shape, groups: Int = 1) -> [StageShape] {
    precondition(kind.fits(kernel: shape), "a kernel of \(shape) has no \(kind) form")
    return kind.stages.map { $0.shape(kernel: shape, ranks: ranks, groups: groups) }
  }
}

extension FactoredForm: CustomStringConvertible, LosslessStringConvertible {
  /// The form as it is written on the command line: `dense`, `tucker2:R1,R2`, `cp3:R`, ...
  public var description: String {
    ranks.isEmpty ? kind.name : "\(kind.name):\(ranks.map(String.init).joined(separator: ","))"
  }

  /// Reads a form as `description` writes it, or with an alias of its kind; nil where the word or the number of ranks is
  /// wrong, or a rank is not positive.
  public init?(_ description: String) {
    let parts = description.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let ranks =
      parts.count < 2
      ? [] : parts[1].split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard let kind = FormKind(String(parts[0])), ranks.count == kind.ranks.count,
      ranks.isEmpty == (parts.count < 2), ranks.allSatisfy({ $0 > 0 })
    else { return nil }
    self.init(kind, ranks: ranks)
  }
}
