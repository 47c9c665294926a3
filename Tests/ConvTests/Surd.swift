/// An exact fraction, in lowest terms with a positive denominator. Traps where an Int overflows.
struct Rational: Hashable, ExpressibleByIntegerLiteral {
  let numerator: Int
  let denominator: Int

  init(_ numerator: Int, _ denominator: Int = 1) {
    var (a, b) = (numerator.magnitude, denominator.magnitude)
    while b > 0 { (a, b) = (b, a % b) }
    let divisor = Int(a) * denominator.signum()
    self.numerator = numerator / divisor
    self.denominator = denominator / divisor
  }

  init(integerLiteral value: Int) { self.init(value) }

  var double: Double { Double(numerator) / Double(denominator) }

  static func + (a: Rational, b: Rational) -> Rational {
    Rational(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
  }
  static func - (a: Rational, b: Rational) -> Rational { a + Rational(-1) * b }
  static func * (a: Rational, b: Rational) -> Rational {
    Rational(a.numerator * b.numerator, a.denominator * b.denominator)
  }
  static func / (a: Rational, b: Rational) -> Rational { a * Rational(b.denominator, b.numerator) }
}

/// The exact number `rational + root sqrt(2)`, in which the points of every Winograd form lie.
struct Surd: Hashable, ExpressibleByIntegerLiteral {
  let rational: Rational
  let root: Rational

  init(_ rational: Rational, root: Rational = 0) { (self.rational, self.root) = (rational, root) }

  init(integerLiteral value: Int) { self.init(Rational(value)) }

  var double: Double { rational.double + root.double * 2.0.squareRoot() }

  static func + (a: Surd, b: Surd) -> Surd { Surd(a.rational + b.rational, root: a.root + b.root) }
  static func - (a: Surd, b: Surd) -> Surd { Surd(a.rational - b.rational, root: a.root - b.root) }
  static func * (a: Surd, b: Surd) -> Surd {
    Surd(a.rational * b.rational + 2 * a.root * b.root, root: a.rational * b.root + a.root * b.rational)
  }
  static func / (a: Surd, b: Surd) -> Surd {
    // By the conjugate: (r + s sqrt(2)) (r - s sqrt(2)) = r^2 - 2 s^2, which is 0 for 0 only.
    let norm = b.rational * b.rational - 2 * b.root * b.root
    return a * Surd(b.rational / norm, root: Rational(-1) * b.root / norm)
  }
}
