import Decompose
import Forms

extension SpectrumCurve {
  /// The rank of a form on this curve; nil where the form's ranks are not read off it.
  func rank(method: String, ranks: [Int]) -> Int? {
    guard let kind = FormKind(method), kind.ranks.count == ranks.count else { return nil }
    return zip(kind.ranks, ranks).first { $0.0.spectrum.name == name }?.1
  }
}
