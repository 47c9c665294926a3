import Decompose
import Forms
import ModelGraph
import Tensors

extension ModelGraph {
  /// The factors in the weights' norm of those of some forms that fits to data start from, by the name of the first of the
  /// layers that share a kernel, group by group of its channels.
  ///
  /// They depend on no data: all layers are factored side by side, where the fits have to wait for one another. What cannot be
  /// factored is left out, and fails where it is fitted.
  func startingFactors(
    _ forms: [FactoredForm?], _ work: LayerWork, threads: Int
  ) -> [String: [Decomposition<Float>]] {
    let wanted = work.largestFirst.filter { group in
      forms[group].map {
        ResponseProblem.startsFromWeights($0.kind, kernel: work.groups[group].cost.kernel)
      } ?? false
    }
    let found = inParallel(wanted, threads: threads, finished: { _, _ in }) {
      group -> [Decomposition<Float>]? in
      guard let form = forms[group], let kernel = try? kernel(of: work.layers[work.groups[group].members[0]])
      else { return nil }
      return try? kernel.parts(work.groups[group].cost.groups).map { try decompose($0, into: form) }
    }
    let names = wanted.map { work.groups[$0].cost.names[0] }
    return Dictionary(zip(names, found)) { $1 }.compactMapValues { $0 }
  }
}
