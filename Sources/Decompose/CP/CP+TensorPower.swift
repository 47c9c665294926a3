import LinearAlgebra
import Tensors

/// CP terms one after the other: the best rank-one term of what the former ones left over, by the power method.
///
///     a <- E (c o b),  (b, c) <- the leading pair of a E,   then   E <- E - a o c o b
///
/// **Shapes** the tensor [T, taps, S].
///
/// **Accuracy** the residual falls with every term; the terms are not optimal together, so alternating least squares
/// follows.
///
/// **Complexity** 2 T taps S multiplies a power iteration, at most 20 of them a term, and a copy of the tensor.
///
/// **Source** Astrid and Lee arXiv 1701.07148, section 3; De Lathauwer, De Moor, Vandewalle 2000 (rank-one).
struct TensorPower<Element: LapackScalar> {
  let spatial: [Int]
  private let (outputs, taps, inputs): (Int, Int, Int)
  private var residual: Tensor<Element>
  private var output: Tensor<Element>
  private var input: Tensor<Element>
  private var tap: Tensor<Element>
  /// The residual contracted with the output vector, [taps, S].
  private var slab: Tensor<Element>

  private static var powerIterations: Int { 20 }

  init(_ tensor: Tensor<Element>, spatial: [Int]) {
    self.spatial = spatial
    (outputs, taps, inputs) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    residual = tensor
    output = Tensor(shape: [1, outputs])
    input = Tensor(shape: [1, inputs])
    tap = Tensor(shape: [1, taps])
    slab = Tensor(shape: [taps, inputs])
  }

  /// The first `rank` terms, fewer where nothing is left over; the others are zero.
  mutating func model(rank: Int) -> CPModel<Element> {
    var modes = ([outputs, inputs] + spatial).map { Tensor<Element>(shape: [rank, $0]) }
    for r in 0..<rank {
      let weight = leadingTerm()
      guard weight > 0 else { break }
      subtract()
      setRow(&modes[0], r, to: output)
      setRow(&modes[1], r, to: input)
      let parts = spatial.count == 1 ? [tap] : leadingPair(tap.reshaped(Shape(spatial)))
      for (position, part) in parts.enumerated() { setRow(&modes[2 + position], r, to: part) }
    }
    return CPModel(modes: modes)
  }

  /// Finds one term: `output` holds its length, the others have length 1. Returns the length.
  private mutating func leadingTerm() -> Double {
    startAtTheLargestSlab()
    var weight = 0.0
    for _ in 0..<Self.powerIterations {
      contractOutput()
      leadingPairOfTheSlab()
      contractOthers()
      let former = weight
      weight = output.squaredNorm.squareRoot()
      guard weight > former * (1 + 1e-4), weight.isFinite else { break }
    }
    return weight.isFinite ? weight : 0
  }

  private mutating func startAtTheLargestSlab() {
    let energies = residual.reshaped([outputs, taps * inputs]).rowNorms
    let largest = energies.indices.max { energies[$0] < energies[$1] } ?? 0
    setRow(&output, 0, unit: largest)
  }

  /// `slab = output E`, the output vector at length 1.
  private mutating func contractOutput() {
    normalize(&output)
    multiply(residual, rows: outputs, columns: taps * inputs, transposed: true, by: output, into: &slab)
  }

  /// Power iterations between the taps and the inputs, on the slab; in CP-4 the taps stay of rank one.
  private mutating func leadingPairOfTheSlab() {
    let norms = slab.rowNorms
    setRow(&tap, 0, unit: norms.indices.max { norms[$0] < norms[$1] } ?? 0)
    for _ in 0..<4 {
      multiply(slab, rows: taps, columns: inputs, transposed: true, by: tap, into: &input)
      normalize(&input)
      multiply(slab, rows: taps, columns: inputs, transposed: false, by: input, into: &tap)
      if spatial.count == 2 {
        let pair = leadingPair(tap.reshaped(Shape(spatial)))
        tap = rowwiseKroneckerProduct(pair[0], pair[1])
      }
      normalize(&tap)
    }
    multiply(slab, rows: taps, columns: inputs, transposed: true, by: tap, into: &input)
    normalize(&input)
  }

  /// `output = E (tap o input)`.
  private mutating func contractOthers() {
    let term = rowwiseKroneckerProduct(tap, input)
    multiply(residual, rows: outputs, columns: taps * inputs, transposed: false, by: term, into: &output)
  }

  private mutating func subtract() {
    let term = rowwiseKroneckerProduct(tap, input)
    residual.withMutableBuffer { e in
      output.withBuffer { x in
        term.withBuffer { y in
          guard let e = e.baseAddress, let x = x.baseAddress, let y = y.baseAddress else { return }
          ger(m: outputs, n: taps * inputs, alpha: -1, x: x, y: y, a: e, lda: taps * inputs)
        }
      }
    }
  }

  private func normalize(_ vector: inout Tensor<Element>) {
    let length = vector.squaredNorm.squareRoot()
    scaleRows(&vector, by: [length > 0 ? 1 / length : 0])
  }

  private func multiply(
    _ matrix: Tensor<Element>, rows: Int, columns: Int, transposed: Bool, by vector: Tensor<Element>,
    into result: inout Tensor<Element>
  ) {
    result.withMutableBuffer { y in
      matrix.withBuffer { a in
        vector.withBuffer { x in
          guard let y = y.baseAddress, let a = a.baseAddress, let x = x.baseAddress else { return }
          gemv(transposed: transposed, m: rows, n: columns, a: a, lda: columns, x: x, y: y)
        }
      }
    }
  }
}
