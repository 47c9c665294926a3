import Decompose
import Forms

/// What can be done with one layer: its forms with their costs and errors, from cheap to dear, none beaten by another
/// in both.
struct LayerCandidates: Sendable {
  /// One thing that can be done.
  struct Candidate: Sendable {
    /// The form; nil to keep the layer.
    let form: FactoredForm?
    let cost: Double
    /// What it adds to the sum that is made least.
    let error: Double
  }

  /// Cheapest first; errors fall. The last one is the layer kept.
  let candidates: [Candidate]

  /// Sorts forms out: those of unknown cost, that do not save enough of the layer's own, or that another beats, go.
  init(
    _ forms: [RankedForm], dense: Double, leastSaving: Double, cost: (FactoredForm) -> Double?,
    error: (RankedForm) -> Double
  ) {
    let limit = dense * (1 - leastSaving)
    let useful = forms.compactMap { ranked -> Candidate? in
      guard let cost = cost(ranked.form), cost <= limit else { return nil }
      return Candidate(form: ranked.form, cost: cost, error: error(ranked))
    }
    let sorted = useful.sorted { ($0.cost, $0.error) < ($1.cost, $1.error) }
    var frontier: [Candidate] = []
    for candidate in sorted where candidate.error < frontier.last?.error ?? .infinity {
      frontier.append(candidate)
    }
    candidates = frontier + [Candidate(form: nil, cost: dense, error: 0)]
  }

  /// The same candidates where an error of this layer weighs `sensitivity` times what one of an ordinary layer does.
  func weighted(by sensitivity: Double) -> LayerCandidates {
    LayerCandidates(
      candidates: candidates.map { candidate in
        Candidate(
          form: candidate.form, cost: candidate.cost, error: sensitivity * candidate.error)
      })
  }

  /// The same candidates, the one at `place` with another error; errors may not fall with the cost then.
  func setting(_ error: Double, at place: Int) -> LayerCandidates {
    var changed = candidates
    changed[place] = Candidate(
      form: changed[place].form, cost: changed[place].cost, error: error)
    return LayerCandidates(candidates: changed)
  }

  private init(candidates: [Candidate]) { self.candidates = candidates }

  /// A layer that can only be kept.
  init(keptAt cost: Double) {
    candidates = [Candidate(form: nil, cost: cost, error: 0)]
  }
}
