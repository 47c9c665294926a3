import Compress
import Reports

extension CompressionReport {
  /// What the errors of the report are of, and what the finished network's answers are off by, in lines for people.
  var dataText: [String] {
    guard let calibration else {
      return [
        "errors are of the weights alone, as no data were given: answers may be off by much more or less;"
          + " --calibrate fits the layers to inputs"
      ]
    }
    let judged =
      calibration.heldOut > 0
      ? "\(calibration.heldOut) held out" : "none held out: the errors are those of the fit"
    var lines = [
      "fitted to \(calibration.samples) inputs at \(grouped(calibration.positions)) positions, \(judged)"
    ]
    if calibration.outputs.isEmpty {
      lines.append(
        "fitted by moments of the original's inputs: the answers were not looked at; lowrank evaluate compares them"
      )
    }
    for output in calibration.outputs {
      let place = output.scoreError == nil ? "" : " in front of its last function"
      var line = "output \(shortened(output.name)): relative error\(place) \(fixed(output.tellingError, 4))"
      if let predicted = output.predictedError { line += " (\(fixed(predicted, 4)) foretold)" }
      if output.rejectedError == nil, let plain = output.tellingUncalibratedError {
        line += ", without data \(fixed(plain, 4))"
      }
      if let decibels = output.decibels { line += ", \(fixed(decibels, 1)) dB to the original" }
      if let agreement = output.agreement { line += ", the same class for \(percent(agreement))" }
      lines.append(line)
    }
    if let reason = calibration.notCompared {
      lines.append("not compared with a network without data: \(reason)")
    }
    if let reason = calibration.notWeighed {
      lines.append("errors of a layer's responses count alike, whatever the outputs make of them: \(reason)")
    }
    return lines + calibrationWarnings
  }
}
