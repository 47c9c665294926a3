import ModelGraph

/// The formats of weights in which layers take longer than in float32, as a clock says: a runtime may widen integers anew in
/// every run. `WeightStorage.auto` leaves them out under a budget of time.
struct SlowFormats: Sendable {
  /// By the layer's name.
  private var byLayer: [String: Set<WeightFormat>] = [:]

  /// None.
  init() {}

  /// By so much a layer has to be slower, and by so much of the whole run: less than that no clock tells from nothing.
  private static let tolerance = (layer: 0.03, run: 0.002)

  /// Times the model as it is in turn with what it is with all its layers' weights as halves, and all of them as integers.
  ///
  /// Where the timer does not tell nodes apart, what is slower as a whole is left out of all layers.
  ///
  /// **Throws** where a network does not run.
  init(_ variants: LayerVariants, _ work: LayerWork, _ timer: any NetworkTimer, asItIs: any TimedNetwork)
    throws(TimingError)
  {
    let storages: [(WeightFormat, WeightStorage)] = [(.float16, .float16), (.int8, .int8)]
    var networks = [asItIs]
    for (_, storage) in storages {
      var model = variants.model(with: [:])
      _ = model.storeConstants(Set(work.layers.map(\.weight)), as: storage)
      networks.append(try timer.prepare(model))
    }
    let times = try timer.times(of: networks, .settle)
    for ((format, _), time) in zip(storages, times.dropFirst()) {
      for place in Self.slower(time, times[0], variants, isTold: timer.timesNodes, of: work.layers.indices) {
        byLayer[work.layers[place].name, default: []].insert(format)
      }
    }
  }

  /// The places of the layers that are slower.
  private static func slower(
    _ time: NetworkTime, _ before: NetworkTime, _ variants: LayerVariants, isTold: Bool, of all: Range<Int>
  ) -> [Int] {
    guard isTold else { return time.whole > (1 + tolerance.layer) * before.whole ? Array(all) : [] }
    let (layers, whole) = (variants.layerTimes(time, with: [:]), before.whole)
    let dense = variants.layerTimes(before, with: [:])
    return all.filter {
      layers[$0] > (1 + tolerance.layer) * dense[$0] && layers[$0] - dense[$0] > tolerance.run * whole
    }
  }

  /// The formats in which one of some layers is slower.
  func of(_ layers: [String]) -> Set<WeightFormat> {
    layers.reduce(into: []) { $0.formUnion(byLayer[$1] ?? []) }
  }
}
