import Compress
import ModelGraph
import Reports
import Tensors

extension CompressionReport {
  /// The report as a table for people; `errors` says what the sum of the errors is, and `inputs` are the model's.
  func text(errors: String, inputs: [ValueInfo]) -> String {
    var table = Table([
      ("layer", .left), ("op", .left), ("kernel", .left), ("form", .left), ("error", .right),
      ("of answers", .right),
      ("weights", .right),
      ("to", .right), ("multiplies", .right), ("to", .right),
    ])
    var reasons = KeptReasons()
    for layer in layers {
      let isKept = layer.reason != nil
      let mark = layer.reason.map { reasons.mark($0) }
      let form = mark ?? "\(layer.method):\(layer.ranks.map(String.init).joined(separator: ","))"
      table.add([
        shortened(layer.name), layer.op, kernelText(layer.kernelShape, layer.group), form,
        isKept ? "" : fixed(layer.relativeError, 4),
        (layer.heldOutError ?? layer.dataError).map { fixed($0, 4) } ?? "", grouped(layer.paramsBefore),
        isKept ? "" : grouped(layer.paramsAfter), layer.macsBefore.map(grouped) ?? "?",
        isKept ? "" : layer.macsAfter.map(grouped) ?? "?",
      ])
    }
    let factored = layers.filter { $0.reason == nil }.count
    var lines = [table.text, ""]
    lines += reasons.lines
    lines += ["\(factored) of \(layers.count) layers factored"]
    for (what, before, after) in [
      ("weights", model.paramsBefore, model.paramsAfter), ("multiplies", model.macsBefore, model.macsAfter),
      ("bytes", model.bytesBefore, model.bytesAfter),
    ] {
      let part = before > 0 ? " (\(percent(Double(after) / Double(before))))" : ""
      lines.append("\(what): \(grouped(before)) -> \(grouped(after))\(part)")
    }
    if let allocation {
      lines.append(
        "budget \(allocation.fraction) of \(allocation.unit): \(fixed(allocation.achieved, 4)) reached, \(errors) "
          + "\(fixed(allocation.squaredError, 4)), at most \(fixed(100 * allocation.gap, 2)) % above the best"
      )
    }
    lines += dataText
    lines += timeText
    if layers.contains(where: { $0.macsBefore == nil }) {
      lines.append(
        "multiplies only of layers whose shapes are known; give \(ValueInfo.shapeOption(inputs)) for the rest"
      )
    }
    return lines.joined(separator: "\n")
  }
}
