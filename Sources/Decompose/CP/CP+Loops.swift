import LinearAlgebra
import Tensors

// The loops of the CP iterations on memory that is allocated once. Rows are contiguous, one row a component.

/// `terms[r, d, s] = taps[r, d] rows[r, s]`: the Khatri-Rao product that mode 1 is regressed on.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func expandTerms<Element: Scalar>(
  rank: Int, taps: Int, extent: Int, _ tapRows: UnsafePointer<Element>, _ rows: UnsafePointer<Element>,
  into terms: UnsafeMutablePointer<Element>
) {
  for r in 0..<rank {
    let row = rows + r * extent
    for d in 0..<taps {
      let factor = tapRows[r * taps + d]
      let target = terms + (r * taps + d) * extent
      for s in 0..<extent { target[s] = factor * row[s] }
    }
  }
}

/// `c[i, j] = a[i, j] b[i, j]` in the upper triangle, in Double.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func multiplyUpper<Element: Scalar>(
  _ a: UnsafePointer<Element>, _ b: UnsafePointer<Element>, order n: Int, into c: UnsafeMutablePointer<Double>
) {
  for i in 0..<n {
    for j in (i * n + i)..<((i + 1) * n) { c[j] = Double(a[j]) * Double(b[j]) }
  }
}

/// `c[i, j] = c[i, j] a[i, j]` in the upper triangle.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func multiplyUpper<Element: Scalar>(
  _ c: UnsafeMutablePointer<Double>, by a: UnsafePointer<Element>, order n: Int
) {
  for i in 0..<n {
    for j in (i * n + i)..<((i + 1) * n) { c[j] *= Double(a[j]) }
  }
}

/// The sum of the products of corresponding elements of two symmetric matrices, from their upper triangles.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func symmetricInnerProduct<Element: Scalar>(
  _ a: UnsafePointer<Double>, _ b: UnsafePointer<Element>, order n: Int
) -> Double {
  var (diagonal, above) = (0.0, 0.0)
  for i in 0..<n {
    diagonal += a[i * n + i] * Double(b[i * n + i])
    for j in (i * n + i + 1)..<((i + 1) * n) { above += a[j] * Double(b[j]) }
  }
  return diagonal + 2 * above
}

/// Numbers rounded to another precision.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func convert<Element: Scalar>(
  _ source: UnsafePointer<Double>, to target: UnsafeMutablePointer<Element>, count: Int
) {
  for i in 0..<count { target[i] = Element(source[i]) }
}

/// `rhs[r, i] = rhs[r, i] + weights[r] rows[r, i]`.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func addScaledRows<Element: Scalar>(
  rank: Int, extent: Int, _ rows: UnsafePointer<Element>, weights: UnsafePointer<Double>,
  to rhs: UnsafeMutablePointer<Element>
) {
  for r in 0..<rank {
    let weight = Element(weights[r])
    for i in (r * extent)..<((r + 1) * extent) { rhs[i] += weight * rows[i] }
  }
}

/// `rows = rows + beta (rows - former)`, and `former` becomes what `rows` were.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func extrapolate<Element: Scalar>(
  _ rows: UnsafeMutablePointer<Element>, _ former: UnsafeMutablePointer<Element>, by beta: Element, count: Int
) {
  for i in 0..<count {
    let value = rows[i]
    rows[i] = value + beta * (value - former[i])
    former[i] = value
  }
}

/// Rows of length 1, their lengths multiplied into `lengths`; zero rows stay.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func normalizeRows<Element: Scalar>(
  rank: Int, extent: Int, _ rows: UnsafeMutablePointer<Element>, lengths: UnsafeMutablePointer<Double>
) {
  for r in 0..<rank {
    let row = rows + r * extent
    var sum = 0.0
    for i in 0..<extent { sum += Double(row[i]) * Double(row[i]) }
    let length = sum.squareRoot()
    lengths[r] *= length
    guard length > 0 else { continue }
    let factor = Element(1 / length)
    for i in 0..<extent { row[i] *= factor }
  }
}

/// `rows[r, i] = rows[r, i] factors[r]`.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func scaleRows<Element: Scalar>(
  rank: Int, extent: Int, _ rows: UnsafeMutablePointer<Element>, by factors: UnsafePointer<Double>
) {
  for r in 0..<rank {
    let factor = Element(factors[r])
    for i in (r * extent)..<((r + 1) * extent) { rows[i] *= factor }
  }
}

/// The sum of the products of corresponding elements, in Double.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func innerProduct<Element: Scalar>(
  _ a: UnsafePointer<Element>, _ b: UnsafePointer<Element>, count: Int
) -> Double {
  var sum = 0.0
  for i in 0..<count { sum += Double(a[i]) * Double(b[i]) }
  return sum
}

/// One axis of each row's outer product summed against a vector of its own.
///
///     alongLast:  result[r, i] = sum over j of  products[r, i, j] vectors[r, j]
///     otherwise:  result[r, j] = sum over i of  products[r, i, j] vectors[r, i]
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func contractRows<Element: Scalar>(
  rank: Int, _ first: Int, _ second: Int, _ products: UnsafePointer<Element>,
  with vectors: UnsafePointer<Element>, alongLast: Bool, into result: UnsafeMutablePointer<Element>
) {
  let (kept, summed) = alongLast ? (first, second) : (second, first)
  for r in 0..<rank {
    let product = products + r * first * second
    for k in 0..<kept {
      var sum: Element = 0
      for l in 0..<summed {
        sum += product[alongLast ? k * second + l : l * second + k] * vectors[r * summed + l]
      }
      result[r * kept + k] = sum
    }
  }
}
