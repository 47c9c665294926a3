import ModelGraph
import Network
import Reports

/// An output of a network in one row; the field names are the JSON's.
struct ValueSummary: Encodable {
  let name: String
  let type: String
  let shape: [Int]
  /// Of the finite elements; nil where there are none.
  let min: Double?
  let mean: Double?
  let max: Double?
  /// The elements that are NaN or infinite.
  let notFinite: Int
  /// Where it was written.
  let file: String?

  init(_ name: String, _ tensor: NetworkTensor, file: String?) {
    (self.name, self.file) = (name, file)
    type = "\(tensor.type)"
    shape = tensor.shape.extents
    var (least, largest, sum, count) = (Double.infinity, -Double.infinity, 0.0, 0)
    func take(_ value: Double) {
      guard value.isFinite else { return }
      (least, largest) = (Swift.min(least, value), Swift.max(largest, value))
      sum += value
      count += 1
    }
    switch tensor.elements {
    case .floats(let floats): floats.withSpan { span in for i in span.indices { take(Double(span[i])) } }
    case .integers(let integers): for integer in integers { take(Double(integer)) }
    }
    notFinite = tensor.shape.count - count
    min = count > 0 ? least : nil
    mean = count > 0 ? sum / Double(count) : nil
    max = count > 0 ? largest : nil
  }

  /// The rows as a table for people.
  static func table(_ rows: [ValueSummary]) -> String {
    var table = Table([
      ("output", .left), ("type", .left), ("shape", .left), ("min", .right), ("mean", .right),
      ("max", .right), ("not finite", .right), ("file", .left),
    ])
    for row in rows {
      let numbers = [row.min, row.mean, row.max].map { $0.map { fixed($0, 6) } ?? "" }
      table.add(
        [row.name, row.type, row.shape.map(String.init).joined(separator: "x")] + numbers
          + [row.notFinite == 0 ? "" : grouped(row.notFinite), row.file ?? ""])
    }
    return table.text
  }
}
