import Network
import Tensors

/// Gathers the moments of one layer, sample by sample.
struct MomentsCollector {
  private let reading: LayerReading
  private let samples: CalibrationSamples
  private let perSample: Int
  private let seed: UInt64
  private var fitted: [MomentSums] = []
  private var heldOut: [MomentSums] = []

  /// With `keepsRows` the positions' patches and responses are kept beside their sums, which are of responses in the coordinates
  /// of `metric`.
  ///
  /// **Complexity** see `MomentSums`; two of them a group.
  init(
    _ reading: LayerReading, _ samples: CalibrationSamples, metric: LayerMetric? = nil, threads: Int,
    keepsRows: Bool = false
  ) {
    (self.reading, self.samples) = (reading, samples)
    let wanted = SampledPositions.wanted(patch: reading.patch)
    perSample = (wanted + samples.total - 1) / samples.total
    // Layers draw positions of their own; a layer's place in the graph is the same for all parts of the data.
    seed = UInt64(reading.layer.node) << 32
    for group in 0..<reading.layer.groups {
      let empty = MomentSums(
        patch: reading.patch, responses: reading.responses, metric: metric?[group], threads: threads,
        keepsRows: keepsRows)
      fitted.append(empty)
      heldOut.append(empty)
    }
  }

  /// Adds what a layer takes and what it should respond for a sample; false where the tensors do not fit the layer.
  ///
  /// **Shapes** `response` as the original layer makes it.
  mutating func add(sample: Int, input: NetworkTensor?, response: NetworkTensor?) -> Bool {
    guard let input = input?.floats, let response = response?.floats,
      let windows = reading.windows(input: input.shape, output: response.shape)
    else { return false }
    let number = samples.number(sample)
    let places = SampledPositions.places(count: perSample, of: windows.count, seed: seed | UInt64(number))
    let period = CalibrationSamples.heldOutPeriod
    let whole = samples.holdsOutWhole
    let isHeldOut = samples.isHeldOut(sample)
    // Where positions are held out, matrices of few rows still leave some: they are counted on from sample to sample.
    let judges = places.indices.filter { whole ? isHeldOut : ($0 + number) % period == period - 1 }
    let held = Set(judges)
    for group in 0..<reading.layer.groups {
      let fitting = places.indices.lazy.filter { !held.contains($0) }.map { places[$0] }
      reading.add(fitting, of: windows, group: group, input: input, output: response, to: &fitted[group])
      reading.add(
        judges.lazy.map { places[$0] }, of: windows, group: group, input: input, output: response,
        to: &heldOut[group])
    }
    return true
  }

  /// The moments of all samples added, and the rows where they are kept; the collector is empty afterwards.
  mutating func finish() -> (moments: LayerMoments, rows: LayerRows?) {
    let groups = fitted.indices.map { group in
      // In their places, so that nothing of the sums is copied.
      LayerMoments.Group(fitted: fitted[group].moments(), heldOut: heldOut[group].moments())
    }
    let kept = zip(fitted, heldOut).compactMap { fitted, heldOut in
      fitted.rows.flatMap { own in heldOut.rows.map { (fitted: own, heldOut: $0) } }
    }
    (fitted, heldOut) = ([], [])
    return (LayerMoments(groups: groups), kept.isEmpty ? nil : LayerRows(groups: kept))
  }
}
