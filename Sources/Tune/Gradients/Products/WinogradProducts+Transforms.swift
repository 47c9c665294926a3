import Tensors

/// Winograd's transforms F(4 x 4, 3 x 3) of some channels at once, in vectors.
extension WinogradProducts {
  /// As many channels as `lanes` tells.
  typealias Lanes = SIMD8<Float>
  private typealias Six = (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes)

  // 1 / sqrt 2 and sqrt 2.
  private static var small: Float { 0.707_106_78 }
  private static var large: Float { 1.414_213_56 }

  /// `B^T d B` of a square of 6 x 6.
  @inline(__always)
  static func transform(
    _ squares: inout MutableSpan<Lanes>, into result: inout MutableSpan<Float>, at place: Int, step: Int
  ) {
    alongBoth(&squares, length: side, into: &result, at: place, step: step) {
      inputs(six($0, at: $1, step: $2))
    }
  }

  /// `A g A^T` of a square of 4 x 4.
  @inline(__always)
  static func spread(
    _ squares: inout MutableSpan<Lanes>, into result: inout MutableSpan<Float>, at place: Int, step: Int
  ) {
    alongBoth(&squares, length: tile, into: &result, at: place, step: step) {
      gradients(four($0, at: $1, step: $2))
    }
  }

  /// Makes six of each column of a square, and six of each row of that: `make` is told where a line begins and its step.
  @inline(__always)
  private static func alongBoth(
    _ squares: inout MutableSpan<Lanes>, length: Int, into result: inout MutableSpan<Float>, at place: Int,
    step: Int, _ make: (borrowing MutableSpan<Lanes>, Int, Int) -> Six
  ) {
    for j in 0..<length {
      let made = make(squares, j, length)
      put(made, in: &squares, at: points &+ j, step: length)
    }
    for i in 0..<side {
      let made = make(squares, points &+ i &* length, 1)
      store(made, in: &result, at: place &+ i &* side &* step, step: step)
    }
  }

  /// Adds `G^T u G` of 36 products.
  @inline(__always)
  static func addBack(
    _ products: Span<Float>, at place: Int, step: Int, _ squares: inout MutableSpan<Lanes>,
    to result: inout MutableSpan<Float>, at target: Int, lanes fresh: Range<Int>
  ) {
    precondition(
      place + (points - 1) * step + lanes <= products.count && target + lanes * 9 <= result.count,
      "a kernel outside of its tensor")
    for j in 0..<side {
      let from = place &+ j &* step
      let made = kernels(
        (
          load(products, at: from), load(products, at: from &+ side &* step),
          load(products, at: from &+ 2 &* side &* step), load(products, at: from &+ 3 &* side &* step),
          load(products, at: from &+ 4 &* side &* step), load(products, at: from &+ 5 &* side &* step)
        ))
      squares[unchecked: j] = made.0
      squares[unchecked: side &+ j] = made.1
      squares[unchecked: 2 &* side &+ j] = made.2
    }
    for i in 0..<3 {
      let made = kernels(six(squares, at: i &* side, step: 1))
      // With lanes that the compiler knows it keeps vectors in registers.
      for lane in 0..<lanes where lane >= fresh.lowerBound {
        let at = target &+ lane &* 9 &+ 3 &* i
        result[unchecked: at] += made.0[lane]
        result[unchecked: at &+ 1] += made.1[lane]
        result[unchecked: at &+ 2] += made.2[lane]
      }
    }
  }

  /// `B^T d`
  @inline(__always)
  private static func inputs(_ d: Six) -> Six {
    let (even, odd) = (d.4 - 2 * d.2, small * (d.3 - 2 * d.1))
    let (evenLarge, oddLarge) = (d.4 - 0.5 * d.2, large * (d.3 - 0.5 * d.1))
    return (
      d.0 - 2.5 * d.2 + d.4, even + odd, even - odd, evenLarge + oddLarge, evenLarge - oddLarge,
      d.1 - 2.5 * d.3 + d.5
    )
  }

  /// `A g`
  @inline(__always)
  private static func gradients(_ g: (Lanes, Lanes, Lanes, Lanes)) -> Six {
    let (even, odd) = (g.0 + 0.5 * g.2, small * (g.1 + 0.5 * g.3))
    let (evenLarge, oddLarge) = (g.0 + 2 * g.2, large * (g.1 + 2 * g.3))
    return (g.0, even + odd, even - odd, evenLarge + oddLarge, evenLarge - oddLarge, g.3)
  }

  /// `G^T u`
  @inline(__always)
  private static func kernels(_ u: Six) -> (Lanes, Lanes, Lanes) {
    let (sum, difference) = ((u.1 + u.2) * (-2 / 3), (u.1 - u.2) * (-2 / 3))
    let (sumLarge, differenceLarge) = ((u.3 + u.4) * (1 / 6), (u.3 - u.4) * (1 / 6))
    return (
      u.0 + sum + sumLarge, small * difference + large * differenceLarge, 0.5 * sum + 2 * sumLarge + u.5
    )
  }

  @inline(__always)
  private static func load(_ x: Span<Float>, at place: Int) -> Lanes {
    var result = Lanes()
    for lane in 0..<lanes { result[lane] = x[unchecked: place &+ lane] }
    return result
  }

  @inline(__always)
  private static func store(
    _ values: Six, in x: inout MutableSpan<Float>, at place: Int, step: Int
  ) {
    precondition(place >= 0 && place + 5 * step + lanes <= x.count, "a square outside of its matrices")
    for lane in 0..<lanes { x[unchecked: place &+ lane] = values.0[lane] }
    for lane in 0..<lanes { x[unchecked: place &+ step &+ lane] = values.1[lane] }
    for lane in 0..<lanes { x[unchecked: place &+ 2 &* step &+ lane] = values.2[lane] }
    for lane in 0..<lanes { x[unchecked: place &+ 3 &* step &+ lane] = values.3[lane] }
    for lane in 0..<lanes { x[unchecked: place &+ 4 &* step &+ lane] = values.4[lane] }
    for lane in 0..<lanes { x[unchecked: place &+ 5 &* step &+ lane] = values.5[lane] }
  }

  @inline(__always)
  private static func put(_ values: Six, in x: inout MutableSpan<Lanes>, at place: Int, step: Int) {
    x[unchecked: place] = values.0
    x[unchecked: place &+ step] = values.1
    x[unchecked: place &+ 2 &* step] = values.2
    x[unchecked: place &+ 3 &* step] = values.3
    x[unchecked: place &+ 4 &* step] = values.4
    x[unchecked: place &+ 5 &* step] = values.5
  }

  @inline(__always)
  private static func six(_ x: borrowing MutableSpan<Lanes>, at place: Int, step: Int) -> Six {
    (
      x[unchecked: place], x[unchecked: place &+ step], x[unchecked: place &+ 2 &* step],
      x[unchecked: place &+ 3 &* step], x[unchecked: place &+ 4 &* step], x[unchecked: place &+ 5 &* step]
    )
  }

  @inline(__always)
  private static func four(
    _ x: borrowing MutableSpan<Lanes>, at place: Int, step: Int
  ) -> (Lanes, Lanes, Lanes, Lanes) {
    (
      x[unchecked: place], x[unchecked: place &+ step], x[unchecked: place &+ 2 &* step],
      x[unchecked: place &+ 3 &* step]
    )
  }
}
