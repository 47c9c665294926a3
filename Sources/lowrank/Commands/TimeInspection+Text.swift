import Compress
import Reports
import Tensors

extension TimeInspection {
  /// The layers as a table for people, those first that lose most.
  var text: String {
    var table = Table([
      ("layer", .left), ("kernel", .left), ("ms", .right), ("%", .right), ("bound", .right),
      ("GFLOP/s", .right),
      ("breaks even at", .left), ("what stands in the way", .left),
    ])
    for layer in layers {
      table.add([
        shortened(layer.name), kernelText(layer.kernel, layer.group), fixed(layer.ms, 3),
        fixed(100 * layer.ms / max(networkMs, layer.ms), 1), fixed(layer.rooflineMs, 3),
        fixed(layer.gflops, 1),
        layer.breakEven.map(\.form).joined(separator: " "), layer.obstacles.joined(separator: "; "),
      ])
    }
    return [
      table.text, "",
      "\(millisecondsText(networkMs)) on \(threads) thread(s), \(millisecondsText(restMs)) of them in no layer; \(machine)",
      "bound: \(fixed(roofline.gflops, 1)) GFLOP/s and \(fixed(roofline.gigabytes, 1)) GB/s as measured here;"
        + " Winograd's forms multiply less, and may pass it",
    ].joined(separator: "\n")
  }
}
