#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// The two functions of C's math library that the algorithms need; the standard library has neither.

/// `x` to the power `y`.
func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }

/// The natural logarithm.
func logarithm(_ x: Double) -> Double { log(x) }
