/// An integer on its way through arithmetic on numbers that a file gave: what overflows, or divides by zero, is no
/// number any more, and neither is anything computed from it.
///
///     let covered = dilation * (kernel - 1) + 1
///     let room = extent + pads - covered
///     guard let room = room.value else { ... }
///
/// Formulas so stay as they are in the literature, and the one place that needs the number decides what an impossible
/// one means: unknown (`value`), or an error (`required(orThrow:)`). Every integer out of a file goes this way.
public struct CheckedInteger: Hashable, Sendable, ExpressibleByIntegerLiteral {
  /// The number; nil where it was unknown from the start, or a step on the way to it had no result.
  public let value: Int?

  /// Begins with a number, or with none.
  public init(_ value: Int?) { self.value = value }

  /// Begins with a number of the formula itself.
  public init(integerLiteral value: Int) { self.value = value }

  /// The number.
  ///
  /// **Throws** the error given where there is none.
  public func required<E: Error>(orThrow error: @autoclosure () -> E) throws(E) -> Int {
    guard let value else { throw error() }
    return value
  }

  /// The sum.
  public static func + (a: Self, b: Self) -> Self { combine(a, b) { $0.addingReportingOverflow($1) } }

  /// The difference.
  public static func - (a: Self, b: Self) -> Self { combine(a, b) { $0.subtractingReportingOverflow($1) } }

  /// The product.
  public static func * (a: Self, b: Self) -> Self { combine(a, b) { $0.multipliedReportingOverflow(by: $1) } }

  /// The quotient, rounded towards zero.
  public static func / (a: Self, b: Self) -> Self { combine(a, b) { $0.dividedReportingOverflow(by: $1) } }

  /// The quotient of two numbers that are not negative, rounded up.
  public func dividedRoundingUp(by divisor: Self) -> Self { (self + divisor - 1) / divisor }

  /// The smaller one.
  public static func least(_ a: Self, _ b: Self) -> Self { combine(a, b) { (min($0, $1), false) } }

  /// The larger one.
  public static func greatest(_ a: Self, _ b: Self) -> Self { combine(a, b) { (max($0, $1), false) } }

  /// The sum of numbers, nil among them for unknown ones.
  public static func sum(_ numbers: some Sequence<Int?>) -> Self { numbers.reduce(0) { $0 + Self($1) } }

  /// The product of numbers, nil among them for unknown ones.
  public static func product(_ numbers: some Sequence<Int?>) -> Self { numbers.reduce(1) { $0 * Self($1) } }

  private static func combine(
    _ a: Self, _ b: Self, _ operation: (Int, Int) -> (partialValue: Int, overflow: Bool)
  ) -> Self {
    guard let x = a.value, let y = b.value else { return Self(nil) }
    let (result, overflow) = operation(x, y)
    return Self(overflow ? nil : result)
  }
}
