public import Decompose

/// How much of a layer's kernel is lost at each rank: what its ranks are chosen from.
public struct LayerSpectrum: Codable, Sendable {
  /// The loss over the rank of one mode, or of one form.
  public typealias Curve = SpectrumCurve

  /// The curves that the analysis of the layer went by.
  public var curves: [Curve]
}

extension LayerSpectrum {
  /// Adds the curves that are not there yet.
  mutating func add(_ more: [Curve]) {
    for curve in more where !curves.contains(where: { $0.name == curve.name }) { curves.append(curve) }
  }
}
