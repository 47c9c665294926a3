import Forms
import LinearAlgebra
import Tensors

/// CP forms fitted to data, from terms that the weights' norm or an earlier fit gives.
struct CPResponseSearch {
  let problem: ResponseProblem
  let options = CPOptions()

  /// The terms of a decomposition with the output factor taken anew, J of which tells its rank's worth.
  ///
  /// **Complexity** R n² multiplies.
  func relativeError(_ weights: Decomposition<Float>) throws(DecomposeError) -> Double {
    try reproducibly { () throws(DecomposeError) in
      try wrapping { () throws(LinearAlgebraError) in
        let model = CPModel(weights.kernel)
        return problem.relativeError(try response(model).regressed(model).error)
      }
    }
  }

  /// Factors improved on the data; the same where nothing is better.
  func improved(_ factors: FactoredKernel<Float>) throws(DecomposeError) -> Decomposition<Float> {
    try reproducibly { () throws(DecomposeError) in
      let start = try problem.evaluated(factors, convergence: .closedForm)
      let (model, report) = try wrapping { () throws(LinearAlgebraError) in
        try sweeps(CPModel(factors))
      }
      var balanced = model
      balanced.balance()
      let improved: FactoredKernel<Float> = balanced.factors(kernel: problem.kernel.shape).converted()
      let found = try problem.certified(improved, convergence: report)
      let best = found.fittedError <= start.fittedError ? found : start
      return Decomposition(
        kernel: best.kernel, relativeError: best.relativeError, errorBound: best.errorBound,
        convergence: best.convergence,
        certificate: try wrapping { () throws(LinearAlgebraError) in
          try CPModel(best.kernel).certificate(of: problem.kernel, relativeError: best.relativeError)
        },
        response: best.response)
    }
  }

  private func response(_ model: CPModel<Double>) -> CPResponse {
    CPResponse(
      problem, extents: model.modes.dropFirst().map { $0.shape[1] }, cap: options.componentCap ?? .infinity)
  }

  private func sweeps(
    _ start: CPModel<Double>
  ) throws(LinearAlgebraError) -> (CPModel<Double>, ConvergenceReport) {
    let response = response(start)
    var fit = try response.regressed(start)
    var errors = [fit.error]
    var converged = false
    let n = Double(problem.rows.shape[1])
    let budget = SweepBudget(
      product: n * n * Double(min(start.rank, problem.rows.shape[0])), modes: start.modes.count - 1)
    for _ in 0..<budget.sweeps where !converged {
      var model = fit.model
      for mode in 1..<model.modes.count {
        model = try response.improved(model, mode: mode, steps: budget.steps)
      }
      let next = try response.regressed(model)
      converged = !(next.error < fit.error * (1 - 1e-3))
      guard next.error < fit.error else { break }
      fit = next
      errors.append(next.error)
    }
    return (
      fit.model,
      ConvergenceReport(
        sweeps: errors.count - 1, converged: converged, errors: errors.map(problem.relativeError))
    )
  }
}

extension CPModel where Element == Double {
  /// The factors of a CP form, in Double.
  fileprivate init(_ kernel: FactoredKernel<Float>) {
    let parts = kernel.parts.map { $0.converted(to: Double.self) }
    let rank = kernel.form.ranks[0]
    self.init(
      modes: parts.prefix(2).map { $0.permuted([1, 0]) }
        + parts.dropFirst(2).map { $0.reshaped([rank, $0.count / rank]) })
  }
}
