import LinearAlgebra
import TensorCore

/// The factors where the iterations on a core tensor begin.
///
/// **Shapes** `core` [P1, taps, P2] with its directions ordered by energy; `spatial` the extents whose product is
/// `taps`.
struct CPStarter<Element: LapackScalar> {
  let core: Tensor<Element>
  let spatial: [Int]
  let rank: Int
  var random: SplitMix64

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
      let norms = rowNorms(modes[mode])
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
        setRow(&model.modes[mode], r, to: Tensor(vectors.view.sliced(axis: 1, r..<(r + 1))).elements)
      }
    }
    return model
  }

  /// Every principal slab of one channel mode is a matrix over the taps and the other channels; its singular value
  /// decomposition gives mutually orthogonal rank-one terms. The expansion, by outputs or by inputs, whose `rank`
  /// largest terms hold more energy is the start.
  private mutating func leadingTerms() throws(LinearAlgebraError) -> CPModel<Element> {
    let byOutput = try expansion(of: core)
    let byInput = try expansion(of: core.permuted([2, 1, 0]))
    let transposed = byInput.energy > byOutput.energy
    let expansion = transposed ? byInput : byOutput
    var model = randomModel()
    let (principal, other) = transposed ? (1, 0) : (0, 1)
    for (r, term) in expansion.terms.enumerated() {
      let slab =
        transposed
        ? core.view.sliced(axis: 2, term.slab..<(term.slab + 1))
        : core.view.sliced(axis: 0, term.slab..<(term.slab + 1))
      let matrix = Tensor(slab).reshaped([core.shape[1], extents[other]])
      let taps = Tensor(shape: [1, term.taps.count], elements: term.taps)
      setRow(&model.modes[principal], r, unit: term.slab)
      setRow(&model.modes[other], r, to: matrixProduct(taps, matrix).elements)
      for (position, row) in rankOne(term.taps).enumerated() {
        setRow(&model.modes[2 + position], r, to: row)
      }
    }
    return model
  }

  private struct Term {
    let slab: Int
    let energy: Double
    let taps: [Element]
  }

  /// The `rank` largest terms of the expansion over the first mode of [P, taps, Q], and their energy.
  private func expansion(of tensor: Tensor<Element>) throws(LinearAlgebraError) -> (
    terms: [Term], energy: Double
  ) {
    let (slabs, taps, width) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    var terms: [Term] = []
    for slab in 0..<slabs {
      let matrix = Tensor(tensor.view.sliced(axis: 0, slab..<(slab + 1))).reshaped([taps, width])
      let eigen = try matrix.matrixTimesTranspose().symmetricEigendecomposition()
      for (index, energy) in eigen.values.prefix(min(taps, width)).enumerated() where energy > 0 {
        let vector = Tensor(eigen.vectors.view.sliced(axis: 1, index..<(index + 1))).elements
        terms.append(Term(slab: slab, energy: Double(energy), taps: vector))
      }
    }
    // The slab decides between equal energies, so that the order is the same everywhere.
    terms.sort { ($1.energy, $0.slab) < ($0.energy, $1.slab) }
    let leading = Array(terms.prefix(rank))
    return (leading, leading.reduce(0) { $0 + $1.energy })
  }

  /// A spatial kernel as one vector an axis, by a few power iterations.
  private func rankOne(_ taps: [Element]) -> [[Element]] {
    guard spatial.count == 2 else { return [taps] }
    let (height, width) = (spatial[0], spatial[1])
    func energy(_ i: Int) -> Element {
      (0..<width).reduce(0) { $0 + taps[i * width + $1] * taps[i * width + $1] }
    }
    // The row of most energy has a part along the leading singular vector.
    let first = (0..<height).max { energy($0) < energy($1) } ?? 0
    var row = Array(taps[(first * width)..<((first + 1) * width)])
    var column = [Element](repeating: 0, count: height)
    for _ in 0..<10 {
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard length > 0 else { break }
      for j in 0..<width { row[j] /= length }
      for i in 0..<height { column[i] = (0..<width).reduce(0) { $0 + taps[i * width + $1] * row[$1] } }
      for j in 0..<width { row[j] = (0..<height).reduce(0) { $0 + taps[$1 * width + j] * column[$1] } }
    }
    return [column, row]
  }

  private func setRow(_ matrix: inout Tensor<Element>, _ row: Int, unit axis: Int) {
    let extent = matrix.shape[1]
    setRow(&matrix, row, to: (0..<extent).map { $0 == axis ? 1 : 0 })
  }

  private func setRow(_ matrix: inout Tensor<Element>, _ row: Int, to values: [Element]) {
    let start = row * matrix.shape[1]
    matrix.withMutableSpan { span in
      for (i, value) in values.enumerated() { span[start + i] = value }
    }
  }
}
