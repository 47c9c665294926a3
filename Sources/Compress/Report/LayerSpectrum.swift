public import Decompose
import Forms

/// How much of a layer's kernel is lost at each rank: what its ranks are chosen from.
public struct LayerSpectrum: Codable, Sendable {
  /// The loss over the rank of one mode, or of one form.
  public typealias Curve = SpectrumCurve

  /// The curves that the analysis of the layer went by.
  public var curves: [Curve]
}

extension SpectrumCurve {
  /// The rank of a form on this curve; nil where the form's ranks are not read off it.
  func rank(method: String, ranks: [Int]) -> Int? {
    guard let kind = FormKind(method), kind.ranks.count == ranks.count else { return nil }
    return zip(kind.ranks, ranks).first { $0.0.spectrum.name == name }?.1
  }
}

extension LayerSpectrum {
  /// Adds the curves that are not there yet.
  mutating func add(_ more: [Curve]) {
    for curve in more where !curves.contains(where: { $0.name == curve.name }) { curves.append(curve) }
  }
}
