public import Tensors

/// A kind of low-rank form, before ranks: all that is known about it without factoring anything.
///
/// Each kind is described in one file, whose static member is listed in `all`; everything else in the package - the
/// words of the command and the C interface's names, files of factors, costs, the rewriting of models, reports - goes by
/// the description. How kernels are brought into it is `Decompose`'s to say. Two kinds are the same where their names
/// are.
public struct FormKind: Sendable {
  /// One rank of a form.
  public struct Rank: Hashable, Sendable {
    /// What it is, for people: `output rank`.
    public let name: String
    /// The spectrum that it cuts off.
    public let spectrum: Spectrum

    /// Describes a rank.
    public init(_ name: String, cutting spectrum: Spectrum) {
      self.name = name
      self.spectrum = spectrum
    }
  }

  /// What kernels have the form.
  public struct Domain: Hashable, Sendable {
    /// The numbers of spatial axes that it is for.
    public let spatialAxes: ClosedRange<Int>
    /// Whether it is for kernels without spatial extent alone, and of no use to others.
    public let isPointwise: Bool

    /// Whether it is for one number of spatial axes alone.
    public var isExact: Bool { spatialAxes.lowerBound == spatialAxes.upperBound }

    /// Any number of spatial axes from `least` on.
    public static func axes(from least: Int) -> Domain {
      Domain(spatialAxes: least...Int.max, isPointwise: false)
    }
    /// Exactly so many spatial axes.
    public static func axes(exactly count: Int) -> Domain {
      Domain(spatialAxes: count...count, isPointwise: false)
    }
    /// All spatial extents 1.
    public static let pointwise = Domain(spatialAxes: 0...Int.max, isPointwise: true)

    /// What a kernel needs, for people.
    public var requirement: String {
      if isPointwise { return "no spatial extent" }
      return spatialAxes.lowerBound == 2 ? "two spatial axes" : "a spatial axis"
    }
  }

  /// The word for the kind on the command line, in reports and in files.
  public let name: String
  /// Other words for it that are read.
  public let aliases: [String]
  /// The word for the kind in all its orientations; its name where it has only one.
  public let family: String
  /// The ranks in mode order, output channels first.
  public let ranks: [Rank]
  /// What kernels have the form.
  public let domain: Domain
  /// Whether its errors are found by trying, as no spectrum tells them.
  public let isSearched: Bool
  /// The names of the parts, in the order in which factors are listed and written. Each holds the weights of the stage of
  /// its name.
  public let parts: [String]
  /// The stages in the order they run.
  public let stages: [FormStage]
  private let fullRanks: @Sendable (Shape) -> [Int]

  /// Describes a kind of form.
  ///
  /// `fullRanks` gives for a kernel `[T, S, D...]` that the form fits the ranks from which on nothing is saved.
  ///
  /// **Traps** unless the parts are those of the stages.
  public init(
    _ name: String, aliases: [String] = [], family: String? = nil, ranks: [Rank], domain: Domain,
    isSearched: Bool = false, parts: [String], stages: [FormStage],
    fullRanks: @escaping @Sendable (Shape) -> [Int]
  ) {
    precondition(parts.sorted() == stages.map(\.name).sorted(), "\(name): parts \(parts) of \(stages)")
    self.name = name
    self.aliases = aliases
    self.family = family ?? name
    self.ranks = ranks
    self.domain = domain
    self.isSearched = isSearched
    self.parts = parts
    self.stages = stages
    self.fullRanks = fullRanks
  }
}

extension FormKind {
  /// All kinds, the dense one first.
  public static let all: [FormKind] = [
    .dense, .tucker2, .cp3, .cp4, .spatial, .spatialMirrored, .channel, .channelMirrored, .svd,
  ]

  /// The kinds with ranks.
  public static let lowRank: [FormKind] = all.filter { !$0.ranks.isEmpty }

  /// The kind of a name or alias; nil where there is none.
  public init?(_ word: String) {
    guard let kind = Self.all.first(where: { $0.name == word || $0.aliases.contains(word) }) else {
      return nil
    }
    self = kind
  }

  /// Whether a kernel of this shape has the form at all.
  public func fits(kernel shape: Shape) -> Bool {
    shape.order >= 2 && domain.spatialAxes.contains(shape.order - 2)
      && (!domain.isPointwise || Self.isPointwise(shape))
  }

  /// Whether the form is of use to a kernel: it fits, and is meant for kernels with spatial extent, or without, as the
  /// kernel is.
  public func suits(kernel shape: Shape) -> Bool {
    fits(kernel: shape) && domain.isPointwise == Self.isPointwise(shape)
  }

  /// The ranks of a kernel from which on nothing is saved: those at which the form is exact, for forms that are searched
  /// those at which it costs what the dense kernel does, if that is less.
  ///
  /// **Traps** where the form does not fit.
  public func fullRanks(kernel shape: Shape) -> [Int] {
    precondition(fits(kernel: shape), "a kernel of \(shape) has no \(name) form")
    return fullRanks(shape)
  }

  /// Whether a kernel has no spatial extent.
  public static func isPointwise(_ shape: Shape) -> Bool {
    shape.extents.dropFirst(2).allSatisfy { $0 == 1 }
  }
}

extension FormKind: Hashable {
  /// Whether both have the same name.
  public static func == (a: FormKind, b: FormKind) -> Bool { a.name == b.name }
  /// Hashes the name.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension FormKind: CustomStringConvertible {
  /// The name.
  public var description: String { name }
}
