import Forms
import ModelGraph
import Tensors

/// Times forms in models of one layer each, with the activation behind it, where only whole networks can be timed.
///
/// What such layers take together can be more than the network does, where layouts are changed at the ends of each: they are
/// scaled to nine tenths of it then.
struct SingleLayerClock: FormClock {
  private(set) var whole = Double.infinity
  private(set) var dense: [Double] = []
  private let model: ModelGraph
  private let work: LayerWork
  private let options: CompressionOptions
  private let asItIs: any TimedNetwork
  private let timer: any NetworkTimer
  private static let mostPart = 0.9

  init(
    _ model: ModelGraph, _ work: LayerWork, _ options: CompressionOptions, _ timer: any NetworkTimer,
    asItIs: any TimedNetwork
  ) {
    (self.model, self.work, self.options, self.timer, self.asItIs) = (model, work, options, timer, asItIs)
  }

  mutating func ratios(
    of forms: [[FactoredForm]], progress: @Sendable (Progress) -> Void
  ) throws(TimingError) -> [[FactoredForm: Double]] {
    whole = min(whole, try timer.times(of: [asItIs], .settle)[0].whole)
    if dense.isEmpty { dense = work.layers.map { _ in 0 } }
    var ratios = forms.map { _ in [FactoredForm: Double]() }
    progress(.beginning(.timing, of: work.layers.count))
    for place in work.layers.indices {
      defer {
        let name = work.layers[place].name
        progress(Progress(done: place + 1, total: work.layers.count, layer: name, task: .timing))
      }
      guard let piece = LayerPiece(model, work, place), dense[place] == 0 || !forms[place].isEmpty else {
        continue
      }
      let variants = try Self.variants(piece.model, options)
      var networks = [try timer.prepare(variants.model(with: [:]))]
      for form in forms[place] { networks.append(try timer.prepare(variants.model(with: [0: form]))) }
      let times = try timer.times(of: networks, .survey)
      dense[place] = dense[place] == 0 ? times[0].whole : min(dense[place], times[0].whole)
      for (form, time) in zip(forms[place], times.dropFirst()) {
        ratios[place][form] = time.whole / times[0].whole
      }
    }
    let excess = dense.reduce(0, +) / (Self.mostPart * whole)
    if excess > 1 { dense = dense.map { $0 / excess } }
    return ratios
  }

  private static func variants(
    _ piece: ModelGraph, _ options: CompressionOptions
  ) throws(TimingError) -> LayerVariants {
    var plain = options
    (plain.layers, plain.skip, plain.inputShapes) = (nil, nil, [:])
    let work: LayerWork
    do throws(CompressError) { work = try LayerWork(piece, plain) } catch { throw .compression(error) }
    return try LayerVariants(piece, work, plain)
  }
}
