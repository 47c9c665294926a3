import Decompose
import Network
import Tensors

/// How far the answers of one network are from those of another, over many samples: sums that add up.
struct OutputDifference: Sendable {
  private(set) var count = 0
  private var squared = 0.0
  /// By column of matrices; of other tensors one for all.
  private var columnSums: [Double] = []
  private var energy = 0.0
  private var range: ClosedRange<Double>?
  private var rows = 0
  private var agreeing = 0
  private(set) var isMap = false

  /// Adds a sample; nil or integer tensors count as nothing.
  mutating func add(_ original: NetworkTensor?, _ other: NetworkTensor?) {
    guard let y = original?.floats, let z = other?.floats, y.shape == z.shape, y.count > 0 else { return }
    let columns = y.shape.order == 2 ? y.shape[1] : 1
    if columnSums.isEmpty {
      columnSums = [Double](repeating: 0, count: columns)
    } else if columnSums.count != columns {
      // Outputs whose columns change in number have none to speak of.
      columnSums = [columnSums.reduce(0, +)]
    }
    let own = columnSums.count
    y.withSpan { y in
      z.withSpan { z in
        for i in y.indices {
          let (value, difference) = (Double(y[i]), Double(y[i]) - Double(z[i]))
          squared += difference * difference
          columnSums[i % own] += value
          energy += value * value
        }
      }
    }
    let least = Double(y.elements.min() ?? 0)
    let most = Double(y.elements.max() ?? 0)
    range = min(range?.lowerBound ?? least, least)...max(range?.upperBound ?? most, most)
    count += y.count
    isMap = isMap || y.shape.order > 2
    addClasses(y, z)
  }

  /// A matrix of few columns looks like scores of classes, one row a sample.
  private mutating func addClasses(_ y: Tensor<Float>, _ z: Tensor<Float>) {
    guard y.shape.order == 2, y.shape[1] > 1 else { return }
    let classes = y.shape[1]
    let (a, b) = (y.elements, z.elements)
    for row in 0..<y.shape[0] {
      let part = (row * classes)..<((row + 1) * classes)
      rows += 1
      if a[part].indices.max(by: { a[$0] < a[$1] }) == b[part].indices.max(by: { b[$0] < b[$1] }) {
        agreeing += 1
      }
    }
  }

  /// `sum (y - z)² / sum (y - mean y)²`; 0 where both are 0. The mean of a matrix is that of each column: what a network
  /// says of a class whatever it is given would hide how little the rest varies.
  var relativeSquared: Double {
    let rows = Double(max(1, count)) / Double(max(1, columnSums.count))
    let variation = energy - columnSums.reduce(0) { $0 + $1 * $1 / rows }
    return squared == 0 ? 0 : squared / Self.scale(variation: variation, energy: energy)
  }

  /// What errors are relative to, more than 0: an output that does not vary is measured by its size.
  fileprivate static func scale(variation: Double, energy: Double) -> Double {
    variation > 1e-12 * energy ? variation : max(energy, .leastNormalMagnitude)
  }

  /// The sum of the squares of the differences.
  var squaredDifference: Double { squared }

  /// The part of the rows that name the same class; nil where the output names none.
  var agreement: Double? { rows > 0 ? Double(agreeing) / Double(rows) : nil }

  /// `20 log10(range / rms)` in decibels; nil where the output is no map, or nothing differs.
  var decibels: Double? {
    guard isMap, let range, squared > 0, count > 0 else { return nil }
    let rms = (squared / Double(count)).squareRoot()
    return 20 * logarithm((range.upperBound - range.lowerBound) / rms) / logarithm(10)
  }
}

extension OutputDifference {
  /// The sums that a relative error comes of which knows of no columns.
  struct Sums: Sendable, Equatable {
    var count: Int
    /// Of `(y - z)²`.
    var squared: Double
    /// Of y, and of y².
    var sum: Double
    var energy: Double

    /// `sum (y - z)² / sum (y - mean y)²`; 0 where both are 0.
    var relativeSquared: Double { squared == 0 ? 0 : squared / variation }

    /// `sum (y - mean y)²`, what errors are relative to; more than 0.
    var variation: Double {
      OutputDifference.scale(variation: energy - sum * sum / Double(max(1, count)), energy: energy)
    }
  }

  var sums: Sums { Sums(count: count, squared: squared, sum: columnSums.reduce(0, +), energy: energy) }
}
