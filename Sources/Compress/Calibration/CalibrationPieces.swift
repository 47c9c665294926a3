import Decompose
import Forms
import ModelGraph
import Tensors

extension ModelGraph {
  /// What lies in front of a layer, and the layer itself; it makes its response whether somebody needs it or not.
  func pieces(
    of stop: CalibrationRoute.Stop, _ reading: LayerReading?, threads: Int
  ) throws(CompressError) -> (before: CalibrationPiece, dense: CalibrationPiece) {
    let needed = stop.neededAfter.union(reading.map { [$0.output] } ?? [])
    return (
      try piece(of: stop.before, needed: stop.neededBefore, threads: threads),
      try piece(of: stop.own, needed: needed, threads: threads)
    )
  }

  /// A layer in factors, as a piece that takes and makes what the layer does.
  func factoredPiece(
    of stop: CalibrationRoute.Stop, output: String, _ factors: LayerFactors, threads: Int
  ) throws(CompressError) -> CalibrationPiece {
    var model = piece(of: stop.own, making: [output])
    do throws(ModelError) {
      guard let layer = try model.layers(foldingBatchNormalization: stop.own.count > 1).first else {
        preconditionFailure("a piece of a layer without the layer")
      }
      model.replace([
        LayerReplacement(
          layer: layer, form: factors.form, weights: factors.weights, biasShift: factors.biasShift)
      ])
    } catch { throw .model(error) }
    return try CalibrationPiece(model, threads: threads)
  }

  /// All that lies behind a layer, up to what answers are compared by.
  func rest(behind stop: CalibrationRoute.Stop, threads: Int) throws(CompressError) -> CalibrationPiece {
    try piece(of: stop.rest, needed: NetworkAnswers(self).values, threads: threads)
  }
}

extension LayerPlanner {
  /// The errors of every form in the norm of the options' measure; kinds that cannot be fitted have no candidates.
  func recordedErrors(
    _ kernel: Tensor<Float>, _ cost: MeasuredLayer
  ) -> [FormKind: [ForetoldError.GroupErrors]] {
    let kinds = kinds(cost).filter { options.budget?.measure.rulesOut($0, for: cost) != true }
    let parts = kernel.parts(cost.groups)
    // Searches take the longest, and come last among the kinds; what Tucker-2 finds the mirrored channel form need not look
    // for.
    let reversed = Array(kinds.indices.reversed())
    let order =
      reversed.filter { kinds[$0].isSearched }
      + reversed.filter { !kinds[$0].isSearched && kinds[$0].ranks.count > 1 }
      + reversed.filter { !kinds[$0].isSearched && kinds[$0].ranks.count == 1 }
    let found = inParallel(order, threads: options.threads, finished: { _, _ in }) {
      place -> [ForetoldError.GroupErrors]? in
      var groups: [ForetoldError.GroupErrors] = []
      for (group, part) in parts.enumerated() {
        guard
          let analysis = try? options.error.analysis(of: part, group: group, layer: cost, kind: kinds[place]),
          let candidates = try? analysis.candidates(multiple: options.rankMultiple)
        else { return nil }
        groups.append(
          .init(
            candidates: candidates, energy: analysis.energy, curves: analysis.curves,
            searched: analysis.searched))
      }
      return groups
    }
    var errors: [FormKind: [ForetoldError.GroupErrors]] = [:]
    let none = ForetoldError.GroupErrors(candidates: [], energy: 0, curves: [])
    for (place, groups) in zip(order, found) {
      errors[kinds[place]] = groups ?? [ForetoldError.GroupErrors](repeating: none, count: cost.groups)
    }
    return errors
  }

  /// The form whose relative error is nearest to one, of the kind whose fit is a closed form: what a probe is made with,
  /// whether the kind would pay or not. Nil where no rank of it has an error.
  func probe(ofError error: Double, _ kernel: Tensor<Float>, _ cost: MeasuredLayer) -> FactoredForm? {
    guard
      let kind = kinds(cost).first(where: { !ResponseProblem.startsFromWeights($0, kernel: cost.kernel) }),
      let analysis = try? LayerAnalysis(kernel, cost, kind: kind, error: options.error)
    else { return nil }
    return try? analysis.candidates(multiple: 1).filter { $0.relativeError > 0 }
      .min { abs($0.relativeError - error) < abs($1.relativeError - error) }?.form
  }
}
