import LinearAlgebra
import Tensors

/// CP terms in the data's norm: alternating least squares over the modes.
///
/// With the terms `Phi[r] = mode2[r] x taps[r]` over patches, the output factor is a regression on R features,
///
///     mode1 = F^-1 X,   F = Phi M Phi',   X = Phi (W* M)',   J = energy - <mode1, 2 X - F mode1>
///
/// and each other mode a quadratic in it alone, improved by conjugate gradients; its operator takes one GEMM with M, and its
/// preconditioner is that of the norm nearest to M among products of one covariance a mode.
///
/// **Complexity** of a regression R n² multiplies, of a step of conjugate gradients min(R, T) n².
///
/// **Source** Kalle et al. arXiv 2511.04494; for the cap on the terms' norms Phan et al. arXiv 2008.05441.
struct CPResponse {
  private let norm: Tensor<Double>
  /// M for steps, of which only the error that they lead to is known in Double.
  private let rounded: Tensor<Float>
  /// (W* M)', [n, T].
  private let cross: Tensor<Double>
  private let energy: Double
  /// The largest norm of a term.
  private let cap: Double
  /// The covariance of each mode but the first, their product nearest to M.
  private let covariances: [Tensor<Double>]

  /// Terms with their error.
  struct Fit {
    var model: CPModel<Double>
    /// J.
    var error: Double
  }

  /// **Shapes** `extents` those of the patch's modes, [S, taps] or [S, D1, D2]; `cap` in norms of the kernel.
  init(_ problem: ResponseProblem, extents: [Int], cap: Double) {
    norm = problem.norm
    rounded = norm.converted()
    cross = problem.fit.cross.permuted([1, 0])
    energy = problem.energy
    self.cap = cap * max(problem.rows.squaredNorm, problem.fit.best.squaredNorm).squareRoot()
    let trace = max(norm.trace, .leastNormalMagnitude)
    covariances = extents.indices.map { mode in
      let traced = problem.norm.partialTrace(
        outer: extents[..<mode].reduce(1, *), extent: extents[mode],
        inner: extents[(mode + 1)...].reduce(1, *))
      return mode == 0 ? traced : traced.scaled(by: 1 / trace)
    }
  }

  /// The terms with their output factor taken anew.
  ///
  /// A term that grows beyond the cap, cancelling others, is held back by a penalty on the factor.
  func regressed(_ model: CPModel<Double>) throws(LinearAlgebraError) -> Fit {
    var model = model
    // Terms of length 1, so that the size of a term is that of its row in the output factor.
    for mode in 1..<model.modes.count {
      scaleRows(&model.modes[mode], by: model.modes[mode].rowNorms.map { $0 > 0 ? 1 / $0 : 0 })
    }
    let terms = rowwiseKroneckerProduct(model.modes[1], model.taps)
    let covariance = matrixProduct(matrixProduct(terms, norm), terms, transposeB: true)
    let responses = matrixProduct(terms, cross)
    let unit = covariance.diagonalMean
    var penalty = 1e-13
    while true {
      if let factor = try? covariance.plusDiagonal(penalty * unit).choleskyDecomposition() {
        model.modes[0] = factor.solve(responses)
        if (model.modes[0].rowNorms.max() ?? 0) <= cap || penalty > 1 { break }
      } else if penalty > 1 {
        throw .notComputed(routine: "potrf", info: model.rank, extents: covariance.shape)
      }
      penalty *= 10
    }
    let explained = responses.plus(responses, times: 1)
      .plus(matrixProduct(covariance, model.modes[0]), times: -1)
    return Fit(model: model, error: energy - model.modes[0].innerProduct(explained))
  }

  /// A mode other than the first after some steps of conjugate gradients, the others held.
  func improved(_ model: CPModel<Double>, mode: Int, steps: Int) throws(LinearAlgebraError) -> CPModel<Double>
  {
    let outputs = model.modes[0]
    let isWide = model.rank > outputs.shape[1]
    let gram = matrixProduct(outputs, outputs, transposeB: true)
    func applied(_ rows: Tensor<Double>) -> Tensor<Double> {
      var other = model
      other.modes[mode] = rows
      let terms = rowwiseKroneckerProduct(other.modes[1], other.taps)
      // Whichever has fewer rows is what M is multiplied with.
      let product =
        isWide
        ? matrixProduct(outputs, matrixProduct(outputs, terms, transposeA: true).times(rounded: rounded))
        : matrixProduct(gram, terms.times(rounded: rounded))
      return contracted(product, model, mode: mode)
    }
    var coupling = gram
    for other in 1..<model.modes.count where other != mode {
      let weighted = matrixProduct(model.modes[other], covariances[other - 1])
      coupling = coupling.times(matrixProduct(weighted, model.modes[other], transposeB: true))
    }
    let terms = try coupling.flooredCholesky(1e-9, 1e-6)
    let patches = try covariances[mode - 1].flooredCholesky(1e-9, 1e-6)
    var improved = model
    improved.modes[mode] = conjugateGradients(
      from: model.modes[mode],
      wanted: contracted(matrixProduct(outputs, cross, transposeB: true), model, mode: mode), steps: steps,
      applied: applied,
      preconditioned: { patches.solve(terms.solve($0).permuted([1, 0])).permuted([1, 0]) })
    return improved
  }

  /// Each row of [R, n], a tensor over the patch's modes, summed against the term's rows in all modes but one.
  private func contracted(_ rows: Tensor<Double>, _ model: CPModel<Double>, mode: Int) -> Tensor<Double> {
    var result = rows
    var inner = 1
    // From the last mode on, so that the ones before keep their places.
    for other in stride(from: model.modes.count - 1, through: 1, by: -1) {
      let extent = model.modes[other].shape[1]
      if other == mode {
        inner *= extent
      } else {
        result = result.contracted(with: model.modes[other], inner: inner)
      }
    }
    return result
  }
}

extension Tensor where Element == Double {
  /// `result[r, o, i] = sum over e of self[r, o, e, i] vectors[r, e]` as [R, o i].
  fileprivate func contracted(with vectors: Tensor, inner: Int) -> Tensor {
    let (rank, extent) = (shape[0], vectors.shape[1])
    let outer = count / (rank * extent * inner)
    return Tensor(shape: [rank, outer * inner]) { result in
      withSpan { rows in
        vectors.withSpan { vectors in
          for line in 0..<(rank * outer) {
            let r = line / outer
            for i in 0..<inner {
              var sum = 0.0
              for e in 0..<extent { sum += rows[(line * extent + e) * inner + i] * vectors[r * extent + e] }
              result[line * inner + i] = sum
            }
          }
        }
      }
    }
  }

  /// The products of corresponding elements.
  fileprivate func times(_ other: Tensor) -> Tensor {
    var result = self
    result.withMutableSpan { a in
      other.withSpan { b in
        for i in a.indices { a[i] *= b[i] }
      }
    }
    return result
  }
}
