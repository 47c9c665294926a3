@testable import Conv

/// The matrices of F(m, r), worked out exactly from its points by Lagrange's formula.
///
/// With n = m + r - 1 and points a_1 ... a_(n-1) and infinity, A^T holds their powers, G their powers divided by the product
/// of their differences to the others, B^T the coefficients of the product of (x - a) over all points but one.
///
/// **Source** Lavin and Gray, arXiv 1509.09308; Barabasz et al., arXiv 1803.10986, section 3.
struct WinogradMatrices {
  /// The axes that they serve.
  let axes: WinogradForm.Axes
  let tile: Int
  let kernel: Int
  /// A^T, G and B^T, row after row.
  let exact: (back: [Surd], filter: [Surd], input: [Surd])
  /// The same in Double.
  let back: [Double]
  let filter: [Double]
  let input: [Double]

  /// The side n of a tile of inputs, and the number of points.
  var side: Int { tile + kernel - 1 }

  /// Whether the tiles' transforms add and subtract only, so that integers stay integers.
  var hasIntegerTransforms: Bool { (back + input).allSatisfy { $0 == $0.rounded() } }

  /// Every form that the package has.
  static let all: [WinogradMatrices] = [
    WinogradMatrices(tile: 2, kernel: 3, points: [0, 1, Surd(-1)]),
    WinogradMatrices(tile: 4, kernel: 3, points: roots),
    WinogradMatrices(
      tile: 5, kernel: 3,
      points: [(2, 5), (-2, 5), (4, 5), (-4, 5), (2, 1), (-2, 1)].map { Surd(Rational($0.0, $0.1)) }),
    WinogradMatrices(tile: 2, kernel: 5, points: roots),
    WinogradMatrices(.down, tile: 4, kernel: 3, points: roots),
    WinogradMatrices(.across, tile: 4, kernel: 3, points: roots),
    WinogradMatrices(.down, tile: 6, kernel: 3, points: powers),
    WinogradMatrices(.across, tile: 6, kernel: 3, points: powers),
    WinogradMatrices(.down, tile: 4, kernel: 5, points: powers),
    WinogradMatrices(.across, tile: 4, kernel: 5, points: powers),
    WinogradMatrices(tile: 5, kernel: 2, points: roots),
  ]

  static func of(_ form: WinogradForm) -> WinogradMatrices {
    guard
      let found = all.first(where: {
        $0.axes == form.axes && $0.tile == form.tile && $0.kernel == form.kernel
      })
    else { preconditionFailure("the oracle does not know \(form.name)") }
    return found
  }

  /// 0, +-1/sqrt(2), +-sqrt(2).
  private static let roots: [Surd] = [
    0, Surd(0, root: Rational(1, 2)), Surd(0, root: Rational(-1, 2)), Surd(0, root: 1), Surd(0, root: -1),
  ]

  /// 0, +-1/2, +-1, +-2.
  private static let powers: [Surd] = [
    0, Surd(Rational(1, 2)), Surd(Rational(-1, 2)), 1, Surd(-1), 2, Surd(-2),
  ]

  private init(_ axes: WinogradForm.Axes = .both, tile: Int, kernel: Int, points: [Surd]) {
    self.axes = axes
    self.tile = tile
    self.kernel = kernel
    let side = tile + kernel - 1
    func others(_ i: Int) -> [Surd] { points.indices.filter { $0 != i }.map { points[$0] } }
    func power(_ a: Surd, _ exponent: Int) -> Surd { (0..<exponent).reduce(1) { power, _ in power * a } }
    func last(_ count: Int) -> [Surd] { [Surd](repeating: 0, count: count - 1) + [1] }
    func padded(_ polynomial: [Surd]) -> [Surd] {
      polynomial + [Surd](repeating: 0, count: side - polynomial.count)
    }
    let scales = points.indices.map { i in others(i).reduce(1) { $0 * (points[i] - $1) } as Surd }
    exact = (
      back: (0..<tile).flatMap { j in points.map { power($0, j) } + [j == tile - 1 ? 1 : 0] },
      filter: points.indices.flatMap { i in (0..<kernel).map { power(points[i], $0) / scales[i] } }
        + last(kernel),
      input: points.indices.flatMap { padded(Self.coefficients(ofRoots: others($0))) }
        + Self.coefficients(ofRoots: points)
    )
    (back, filter, input) = (exact.back.map(\.double), exact.filter.map(\.double), exact.input.map(\.double))
  }

  /// The coefficients of the product of (x - root), the constant first.
  private static func coefficients(ofRoots roots: [Surd]) -> [Surd] {
    roots.reduce([1]) { polynomial, root in
      zip([0] + polynomial, polynomial + [0]).map { $0 - root * $1 }
    }
  }
}
