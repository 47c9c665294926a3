import Decompose
import Forms

/// What can be done with one layer: its forms with their costs and errors, from cheap to dear, none beaten by another
/// in both.
struct LayerCandidates: Sendable {
  /// One thing that can be done.
  struct Candidate: Sendable {
    /// The form; nil to keep the layer.
    let form: FactoredForm?
    let cost: Int
    let squaredError: Double
  }

  /// Cheapest first; errors fall. The last one is the layer kept.
  let candidates: [Candidate]

  /// Sorts forms out: those that do not save enough in cost, or that another beats, go.
  init(_ forms: [RankedForm], cost: (FactoredForm) -> Int, leastSaving: Double) {
    let dense = cost(.dense)
    let limit = Double(dense) * (1 - leastSaving)
    let useful = forms.compactMap { ranked in
      let candidate = Candidate(
        form: ranked.form, cost: cost(ranked.form),
        squaredError: ranked.relativeError * ranked.relativeError)
      return Double(candidate.cost) <= limit ? candidate : nil
    }
    let sorted = useful.sorted { ($0.cost, $0.squaredError) < ($1.cost, $1.squaredError) }
    var frontier: [Candidate] = []
    for candidate in sorted where candidate.squaredError < frontier.last?.squaredError ?? .infinity {
      frontier.append(candidate)
    }
    candidates = frontier + [Candidate(form: nil, cost: dense, squaredError: 0)]
  }

  /// The same candidates where an error of this layer weighs `sensitivity` times what one of an ordinary layer does.
  func weighted(by sensitivity: Double) -> LayerCandidates {
    LayerCandidates(
      candidates: candidates.map { candidate in
        Candidate(
          form: candidate.form, cost: candidate.cost, squaredError: sensitivity * candidate.squaredError)
      })
  }

  /// The same candidates, the one at `place` with another error; errors may not fall with the cost then.
  func setting(_ squaredError: Double, at place: Int) -> LayerCandidates {
    var changed = candidates
    changed[place] = Candidate(
      form: changed[place].form, cost: changed[place].cost, squaredError: squaredError)
    return LayerCandidates(candidates: changed)
  }

  private init(candidates: [Candidate]) { self.candidates = candidates }

  /// A layer that can only be kept.
  init(keptAt cost: Int) {
    candidates = [Candidate(form: nil, cost: cost, squaredError: 0)]
  }
}
