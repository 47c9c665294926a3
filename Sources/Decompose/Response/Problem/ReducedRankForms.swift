import Forms
import LinearAlgebra
import Tensors

/// The `channel` and `svd` forms in the data's norm: reduced-rank regression, the optimum in closed form.
///
///     W = V' (V W*),   V the leading R eigenvectors of W* M W*' as rows
///
/// **Complexity** of a rank T R n multiplies, and its certificate.
///
/// **Source** Reinsel and Velu 1998, theorem 2.2; for convolutions Zhang et al. arXiv 1505.06798, section 3.2.
struct ReducedRankForms: FormAnalysis {
  let problem: ResponseProblem
  let kind: FormKind
  private let tails: EnergyTails

  init(problem: ResponseProblem, kind: FormKind) {
    self.problem = problem
    self.kind = kind
    tails = EnergyTails(problem.fit.energies, floor: problem.fit.floor)
  }

  var kernel: Tensor<Float> { problem.kernel }
  var energy: Double { problem.energy }

  private var energies: [Double] { Array(problem.fit.energies.prefix(fullRanks[0])) }

  func ranks(energy: Double) -> [Int] { [rank(retaining: energy, of: energies)] }

  func variationalRanks(factor: Double) -> [Int] {
    let full = fullRanks[0]
    let columns = kernel.count / kernel.shape[0]
    return [
      EVBMF(energies: energies, rows: kernel.shape[0], columns: columns)
        .weakenedRank(full: full, factor: factor)
    ]
  }

  func candidates(multiple: Int) -> [RankedForm] {
    rankGrid(upTo: fullRanks[0], multiple: multiple).map { rank in
      let form = FactoredForm(kind, ranks: [rank])
      return RankedForm(form: form, relativeError: relativeError(form))
    }
  }

  func relativeError(_ form: FactoredForm) -> Double { problem.relativeError(tails[form.ranks[0]]) }

  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float> {
    let rank = form.ranks[0]
    try requireRank(rank, "rank", upTo: fullRanks[0], kernel: kernel.shape)
    return try reproducibly { () throws(DecomposeError) in
      let directions = problem.fit.directions.leadingRows(rank)
      let projected = matrixProduct(directions, problem.fit.best)
      let (second, first) = balancedRows(directions, projected, unit: 1)
      let named = ["first": first, "right": first, "second": second, "left": second]
      let parts = zip(kind.parts, form.partShapes(kernel: kernel.shape)).compactMap { name, shape in
        named[name].map { part in
          (name == "first" || name == "right" ? part : part.permuted([1, 0])).reshaped(shape)
            .converted(to: Float.self)
        }
      }
      return try problem.certified(
        FactoredKernel(form: form, kernelShape: kernel.shape, parts: parts), convergence: .closedForm)
    }
  }

  func mapped(
    _ decomposition: Decomposition<Float>, _ transform: (Tensor<Float>) -> Tensor<Float>
  ) -> Decomposition<Float> {
    problem.mapped(decomposition, transform)
  }

  var curves: [SpectrumCurve] { curves(energies) }
}

/// What is left of the errors behind each rank.
struct EnergyTails {
  private let tails: [Double]

  /// **Shapes** `energies` descending; `floor` what no rank explains.
  init(_ energies: [Double], floor: Double) {
    var tails = [Double](repeating: floor, count: energies.count + 1)
    for index in energies.indices.reversed() { tails[index] = tails[index + 1] + energies[index] }
    self.tails = tails
  }

  /// **Traps** where the rank is not in `0...energies.count`.
  subscript(rank: Int) -> Double { tails[rank] }
}
