/// What the rank of a form cuts off: the singular values of one matrix made of a kernel, or, where a form is searched, the
/// errors at the ranks tried.
public struct Spectrum: Hashable, Sendable {
  /// The word for it in reports.
  public let name: String
  /// What it is, for people.
  public let title: String

  /// Names a spectrum.
  public init(_ name: String, title: String) {
    self.name = name
    self.title = title
  }

  /// That of the mode-1 unfolding.
  public static let outputChannels = Spectrum("mode1", title: "output channels")
  /// That of the mode-2 unfolding.
  public static let inputChannels = Spectrum("mode2", title: "input channels")
  /// That of a kernel that is a matrix.
  public static let matrix = Spectrum("svd", title: "the matrix")
}
