public import Forms
import Tensors

/// Which forms a layer may be brought into.
public enum CompressionMethod: Hashable, Sendable {
  /// Whatever suits the layer best: every form for kernels with spatial extents, two matrices for 1x1 convolutions and
  /// fully connected layers. Forms that are searched, as CP is, are considered under a budget only.
  case auto
  /// One form only, in the cheaper orientation where it has two; layers that it does not suit are kept.
  case only(FormKind)

  /// `auto`, and one for each form.
  public static let all: [CompressionMethod] =
    [.auto] + FormKind.lowRank.filter { $0.name == $0.family }.map { .only($0) }

  /// The method of a name or alias as on the command line; nil where there is none.
  public init?(_ word: String) {
    if word == Self.auto.name {
      self = .auto
      return
    }
    guard let kind = FormKind(word), Self.all.contains(.only(kind)) else { return nil }
    self = .only(kind)
  }

  /// The word for the method on the command line.
  public var name: String {
    switch self {
    case .auto: "auto"
    case .only(let kind): kind.family
    }
  }
}

extension CompressionMethod {
  /// The kinds of form that the method allows for a kernel; those that do not suit it are left out of `auto`. Of equals the
  /// first is taken, so those come first whose errors need no search, and then those for more kernels.
  func kinds(for kernel: Shape, searches: Bool) -> [FormKind] {
    switch self {
    case .only(let kind): return FormKind.lowRank.filter { $0.family == kind.family }
    case .auto:
      let kinds = FormKind.lowRank.filter { $0.suits(kernel: kernel) && !$0.isBeaten(kernel: kernel) }
      return kinds.filter { !$0.isSearched && !$0.domain.isExact }
        + kinds.filter { !$0.isSearched && $0.domain.isExact } + (searches ? kinds.filter(\.isSearched) : [])
    }
  }

  /// Why the method has no form for a kernel; nil where it has one.
  func obstacle(for kernel: Shape) -> String? {
    guard case .only(let kind) = self, !kind.suits(kernel: kernel) else { return nil }
    if kind.domain.isPointwise { return "\(name) is for kernels without spatial extent" }
    if kind.domain.isExact { return "\(name) needs \(kind.domain.requirement)" }
    return "it has no spatial extent for \(name); svd or auto would do"
  }
}

extension FormKind {
  /// Whether another form is never worse by more than a sixty-fourth of the cost: CP-4 where its terms, `S + D1 + D2 + T`
  /// weights each, cost hardly less than those of CP-3, `S + D1 D2 + T`, whose error at the same rank is at most as large.
  fileprivate func isBeaten(kernel: Shape) -> Bool {
    guard self == .cp4, kernel.order == 4 else { return false }
    return 64 * (kernel[2] * kernel[3] - kernel[2] - kernel[3]) <= kernel[0] + kernel[1]
  }
}
