import Decompose
import Forms
import LinearAlgebra
import Tensors

/// Fits a layer in one form to what is seen of its responses behind a rectifier r:
///
///     J(W, b) = E |r(y) - r(W x + b)|²     in the layer's metric, where it has one
///
/// A response of -3 and one of -5 are the same behind a ReLU, so a part of what a fit of the responses themselves spends its
/// ranks on counts for nothing. From such a fit on, each round aims each response at the argument of r that gives what it
/// should, near what the layer now makes (`Rectifier.argument`), and fits the form to these aims: a fit of the same kind, of the
/// same patches and other responses. Steps are lengthened by 1.8, which halves the rounds. What is best behind r on the
/// positions held out is taken, so the result is never worse there than the fit of the responses.
///
/// **Complexity** of a round 3 N T n multiplies for N positions, and a fit.
///
/// **Source** Zhang et al. arXiv 1505.06798, section 3.3, for reduced-rank regression; here for every form, with one weight of the
/// penalty all along and over-relaxation.
struct RectifiedFit {
  let planner: LayerPlanner
  let kernel: LayerKernel
  let form: FactoredForm
  let cost: MeasuredLayer
  let reading: LayerReading
  let rectifier: Rectifier
  let metric: LayerMetric?
  let moments: LayerMoments
  let rows: LayerRows

  /// Rounds at most, and the least part of the error that one has to take off for another to follow. On the digit recogniser four
  /// are worth what eight are without lengthened steps.
  private static var rounds: Int { 4 }
  private static var leastGain: Double { 0.005 }
  private static var relaxation: Float { 1.8 }
  /// The fewest positions for each number of a patch: where there were four and a half, the aims of CRAFT's layers were learnt by
  /// heart already, 20 % coming off the error on what was fitted to and 3 % off that on what was held out.
  private static var leastPositions: Int { 4 }

  /// Whether a layer's rows are worth keeping for it.
  static func suits(_ reading: LayerReading, positions: Int) -> Bool {
    positions >= leastPositions * reading.patch
  }

  /// The best factors found from those of a fit of the responses themselves, with their errors behind the rectifier.
  ///
  /// `ridgeParts` are those of that fit, by group.
  func improved(_ start: LayerFactors, ridgeParts: [Double]) -> LayerFactors {
    BLASLibrary.withThreads(1) {
      var best = judged(start)
      for _ in 0..<Self.rounds {
        guard
          let fit = try? ResponseFit(
            kernel.values, targets(of: best), metric: metric, fitsBias: reading.fitsBias,
            ridgeParts: ridgeParts, starts: best.kernels)
        else { break }
        var options = planner.options
        options.error = fit
        guard
          case .factor(let found) = LayerPlanner(options: options).factor(kernel, form, cost: cost)
        else { break }
        let next = judged(found)
        let gain = best.tellingError - next.tellingError
        if gain > 0 { best = next }
        guard gain >= Self.leastGain * best.tellingError else { break }
      }
      return best
    }
  }

  /// The sums of the patches with the responses that are aimed at next.
  private func targets(of factors: LayerFactors) -> LayerMoments {
    let groups = rows.groups.indices.map { group -> LayerMoments.Group in
      let sums = moments.groups[group].fitted
      let layer = RectifiedGroup(self, factors, group)
      var aims = ResponseAims(sums, metric: metric?[group], threads: planner.options.threads)
      for block in rows.groups[group].fitted.blocks {
        aims.add(layer.aims(block, relaxation: Self.relaxation), patches: block.patches)
      }
      return LayerMoments.Group(
        fitted: aims.moments(), heldOut: ResponseMoments(patch: 0, responses: 0))
    }
    return LayerMoments(groups: groups)
  }

  /// Factors with the errors of their responses behind the rectifier.
  private func judged(_ factors: LayerFactors) -> LayerFactors {
    var (fitted, heldOut) = (RectifiedError(), RectifiedError())
    for (group, rows) in rows.groups.enumerated() {
      let layer = RectifiedGroup(self, factors, group)
      fitted.add(rows.fitted.blocks.map(layer.responses), metric?[group])
      heldOut.add(rows.heldOut.blocks.map(layer.responses), metric?[group])
    }
    var judged = factors
    judged.response?.setErrors(data: fitted.relative ?? 0, heldOut: heldOut.relative)
    return judged
  }
}

extension LayerFactors {
  /// What factors of one form are compared by.
  fileprivate var tellingError: Double { response.map { $0.heldOutError ?? $0.dataError } ?? .infinity }
}
