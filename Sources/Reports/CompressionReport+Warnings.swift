public import Compress

extension CompressionReport {
  /// What is to be known before a calibrated network is trusted, in sentences.
  public var calibrationWarnings: [String] {
    guard let calibration else { return [] }
    var warnings: [String] = []
    if let output = calibration.outputs.first(where: { $0.rejectedError != nil }) {
      warnings.append(
        "Fitted to these inputs, the answers on those held out were further off (\(fixed(output.rejectedError ?? 0, 3))) "
          + "than those of the same budget without data (\(fixed(output.tellingError, 3))), which were taken: give more, and "
          + "more different, inputs.")
    }
    if let worst = calibration.outputs.map(\.tellingError).max(), worst > 0.5 {
      warnings.append(
        "The answers are far from the original's (a relative error of \(fixed(worst, 2)), where 1 is no answer at all): "
          + "this budget is too small for this network, or the inputs are too few.")
    }
    if let times = fitOptimism, times > 1.25 {
      warnings.append(
        "Layers are \(fixed(times, 2)) times as far off on inputs held out as on those fitted to: more, and more "
          + "different, inputs would bring answers nearer.")
    }
    return warnings
  }

  /// That the network has become no faster, in a sentence; nil where it has, or where it was not timed.
  public var timeWarning: String? {
    guard let time, let measured = time.measuredMs, !time.isFaster, layers.contains(where: \.isFactored)
    else { return nil }
    let figures =
      "A run takes \(millisecondsText(measured)) here and took \(millisecondsText(time.denseMs)) before: the network has become "
      + "smaller, but no faster."
    guard time.predictedMs == nil else { return figures }
    return figures
      + " Fewer multiplies are not always fewer milliseconds: --latency 0.5 shares out the milliseconds themselves."
  }

  /// How many times as large as on the fitted data the errors of the layers are on those held out: the median.
  private var fitOptimism: Double? {
    let ratios = layers.compactMap { layer -> Double? in
      guard let held = layer.heldOutError, let fitted = layer.dataError, fitted > 0 else { return nil }
      return held / fitted
    }
    return ratios.isEmpty ? nil : ratios.sorted()[ratios.count / 2]
  }
}
