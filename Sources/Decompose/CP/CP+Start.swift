import LinearAlgebra
import Tensors

/// The factors where the iterations on a core tensor begin.
///
/// **Shapes** `core` [P1, taps, P2] with its directions ordered by energy; `spatial` the extents whose product is
/// `taps`.
struct CPStarter<Element: LapackScalar> {
  let core: Tensor<Element>
  let spatial: [Int]
  let rank: Int
  var random: SeededGenerator

  private var extents: [Int] { [core.shape[0], core.shape[2]] + spatial }

  /// **Throws** where an eigenproblem of `taps` rows did not converge.
  mutating func model(_ start: CPStart) throws(LinearAlgebraError) -> CPModel<Element> {
    switch start {
    case .hosvd: try hosvd()
    case .leadingTerms: try leadingTerms()
    case .random: randomModel()
    }
  }

  /// Numbers from -1 to 1, every row of length 1.
  mutating func randomModel() -> CPModel<Element> {
    var modes: [Tensor<Element>] = []
    for extent in extents { modes.append(random.tensor([rank, extent])) }
    for mode in modes.indices {
      let norms = modes[mode].rowNorms
      scaleRows(&modes[mode], by: norms.map { $0 > 0 ? 1 / $0 : 0 })
    }
    return CPModel(modes: modes)
  }

  /// The core's own axes are its leading singular vectors in the channel modes.
  private mutating func hosvd() throws(LinearAlgebraError) -> CPModel<Element> {
    var model = randomModel()
    for mode in 0..<2 {
      for r in 0..<min(rank, extents[mode]) { setRow(&model.modes[mode], r, unit: r) }
    }
    for mode in 2..<extents.count {
      let position = mode - 2
      let before = spatial[..<position].reduce(1, *)
      let after = spatial[(position + 1)...].reduce(1, *)
      let tensor = core.reshaped([core.shape[0], before, spatial[position], after * core.shape[2]])
      let unfolded = tensor.unfolded(mode: 3)
      let vectors = try unfolded.matrixTimesTranspose().symmetricEigendecomposition().vectors
      for r in 0..<min(rank, spatial[position]) {
        setRow(&model.modes[mode], r, to: Tensor(vectors.view.sliced(axis: 1, r..<(r + 1))))
      }
    }
    return model
  }

  /// Every principal slab of the shorter channel mode is a matrix over the taps and the other channels; its singular
  /// value decomposition gives mutually orthogonal rank-one terms. The `rank` largest of all are the start, completed
  /// at random where there are fewer.
  private mutating func leadingTerms() throws(LinearAlgebraError) -> CPModel<Element> {
    let byInput = extents[1] < extents[0]
    let slabs = byInput ? core.permuted([2, 1, 0]) : core
    let (principal, other) = byInput ? (1, 0) : (0, 1)
    let (terms, vectors) = try expansion(of: slabs)
    var model = randomModel()
    for (r, term) in terms.prefix(rank).enumerated() {
      setRow(&model.modes[principal], r, unit: term.slab)
      let taps = Tensor(vectors[term.slab].view.sliced(axis: 0, term.index..<(term.index + 1)))
      for (position, row) in rankOne(taps).enumerated() { setRow(&model.modes[2 + position], r, to: row) }
      project(slabs, term.slab, on: taps, into: &model.modes[other], row: r)
    }
    return model
  }

  private struct Term {
    let slab: Int
    let index: Int
    let energy: Double
  }

  /// All terms of the expansion over the first mode of [P, taps, Q], largest first, and each slab's singular vectors
  /// over the taps as rows.
  private func expansion(
    of tensor: Tensor<Element>
  ) throws(LinearAlgebraError) -> (terms: [Term], vectors: [Tensor<Element>]) {
    let (slabs, taps, width) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    var terms: [Term] = []
    var vectors: [Tensor<Element>] = []
    var gram = Tensor<Element>(shape: [taps, taps])
    for slab in 0..<slabs {
      tensor.withBuffer { tensor in
        gram.withMutableBuffer { gram in
          guard let x = tensor.baseAddress, let g = gram.baseAddress else { return }
          syrkUpper(n: taps, k: width, a: x + slab * taps * width, lda: width, c: g, ldc: taps)
        }
      }
      let eigen = try gram.symmetricEigendecomposition()
      vectors.append(eigen.vectors.permuted([1, 0]))
      for (index, energy) in eigen.values.prefix(min(taps, width)).enumerated() where energy > 0 {
        terms.append(Term(slab: slab, index: index, energy: Double(energy)))
      }
    }
    // The slab decides between equal energies, so that the order is the same everywhere.
    terms.sort { ($1.energy, $0.slab) < ($0.energy, $1.slab) }
    return (terms, vectors)
  }

  /// A row of a factor from a slab [taps, Q] and a vector over the taps.
  private func project(
    _ slabs: Tensor<Element>, _ slab: Int, on taps: Tensor<Element>, into factor: inout Tensor<Element>,
    row: Int
  ) {
    let (height, width) = (slabs.shape[1], slabs.shape[2])
    factor.withMutableBuffer { factor in
      slabs.withBuffer { slabs in
        taps.withBuffer { taps in
          guard let y = factor.baseAddress, let a = slabs.baseAddress, let x = taps.baseAddress else {
            return
          }
          gemv(
            transposed: true, m: height, n: width, a: a + slab * height * width, lda: width, x: x,
            y: y + row * width)
        }
      }
    }
  }

  /// A spatial kernel as one vector an axis.
  private func rankOne(_ taps: Tensor<Element>) -> [Tensor<Element>] {
    spatial.count == 1 ? [taps] : leadingPair(taps.reshaped([spatial[0], spatial[1]]))
  }
}

/// The leading singular vectors of a small matrix by a few power iterations, [column, row].
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func leadingPair<Element: Scalar>(_ matrix: Tensor<Element>) -> [Tensor<Element>] {
  let (height, width) = (matrix.shape[0], matrix.shape[1])
  let a = matrix.elements
  func energy(_ i: Int) -> Element { a[(i * width)..<((i + 1) * width)].reduce(0) { $0 + $1 * $1 } }
  // The row of most energy has a part along the leading singular vector.
  let first = (0..<height).max { energy($0) < energy($1) } ?? 0
  var row = Array(a[(first * width)..<((first + 1) * width)])
  var column = [Element](repeating: 0, count: height)
  for _ in 0..<8 {
    let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
    guard length > 0 else { break }
    for j in 0..<width { row[j] /= length }
    for i in 0..<height { column[i] = (0..<width).reduce(0) { $0 + a[i * width + $1] * row[$1] } }
    for j in 0..<width { row[j] = (0..<height).reduce(0) { $0 + a[$1 * width + j] * column[$1] } }
  }
  return [Tensor(shape: [1, height], elements: column), Tensor(shape: [1, width], elements: row)]
}

/// One row of a matrix becomes a unit vector.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func setRow<Element: Scalar>(_ matrix: inout Tensor<Element>, _ row: Int, unit axis: Int) {
  let start = row * matrix.shape[1]
  let end = start + matrix.shape[1]
  matrix.withMutableSpan { span in
    for i in start..<end { span[i] = 0 }
    span[start + axis] = 1
  }
}

/// One row of a matrix becomes the elements of another tensor.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
func setRow<Element: Scalar>(_ matrix: inout Tensor<Element>, _ row: Int, to values: Tensor<Element>) {
  let start = row * matrix.shape[1]
  matrix.withMutableSpan { span in
    values.withSpan { values in
      for i in values.indices { span[start + i] = values[i] }
    }
  }
}
