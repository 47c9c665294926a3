public import Tensors

/// The sum of the squares of some elements, in Double.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
package func sumOfSquares<Element: Scalar>(_ span: Span<Element>, _ range: Range<Int>) -> Double {
  // Running sums let the compiler use vector registers without reordering one sum.
  var sums = (SIMD4<Double>(), SIMD4<Double>())
  var i = range.lowerBound
  while i + 8 <= range.upperBound {
    let a = SIMD4(Double(span[i]), Double(span[i + 1]), Double(span[i + 2]), Double(span[i + 3]))
    let b = SIMD4(Double(span[i + 4]), Double(span[i + 5]), Double(span[i + 6]), Double(span[i + 7]))
    sums.0 += a * a
    sums.1 += b * b
    i += 8
  }
  var rest = 0.0
  while i < range.upperBound {
    rest += Double(span[i]) * Double(span[i])
    i += 1
  }
  return (sums.0 + sums.1).sum() + rest
}

/// The Euclidean norm of some elements, also where their squares leave Double's range.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func euclideanNorm<Element: Scalar>(_ span: Span<Element>, _ range: Range<Int>) -> Double {
  let sum = sumOfSquares(span, range)
  // Squares that underflow hold less than an epsilon of a sum in this range.
  if sum.isNaN || (sum > 0x1p-960 && sum < .infinity) { return sum.squareRoot() }
  let largest = range.reduce(0) { Swift.max($0, Double(span[$1].magnitude)) }
  guard largest > 0, largest < .infinity else { return largest }
  // A power of two: dividing by it rounds nothing.
  let unit = largest.binade
  return range.reduce(0) { $0 + (Double(span[$1]) / unit) * (Double(span[$1]) / unit) }.squareRoot() * unit
}

extension Tensor where Element: LapackScalar {
  /// The sum of the squares of the elements, in Double; 0 or infinite where that leaves its range.
  public var squaredNorm: Double { withSpan { sumOfSquares($0, 0..<$0.count) } }

  /// The Euclidean norm of each row of a matrix, in Double.
  package var rowNorms: [Double] {
    let (rows, columns) = (shape[0], shape[1])
    return withSpan { span in
      (0..<rows).map { euclideanNorm(span, ($0 * columns)..<(($0 + 1) * columns)) }
    }
  }
}
