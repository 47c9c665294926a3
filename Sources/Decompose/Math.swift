#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// The functions of C's math library that the algorithms need; the standard library has none of them.

/// `x` to the power `y`.
package func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }

/// The natural logarithm.
package func logarithm(_ x: Double) -> Double { log(x) }

/// `e` to the power `x`.
func exponential(_ x: Double) -> Double { exp(x) }
