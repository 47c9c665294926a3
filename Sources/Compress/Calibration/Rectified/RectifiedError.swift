import Decompose
import Tensors

/// The relative error of responses behind a rectifier: `E |r(y) - r(made)|² / E |r(y) - mean of r(y)|²`, the root of it.
struct RectifiedError {
  private var count = 0.0
  private var error = 0.0
  private var energy = 0.0

  /// Nil where there are no positions.
  var relative: Double? {
    guard count > 0 else { return nil }
    return energy > 0 ? (error / energy).squareRoot() : error > 0 ? 1 : 0
  }

  /// Adds all positions of some channels, errors counting as `metric` says.
  mutating func add(_ blocks: [(wanted: Tensor<Float>, made: Tensor<Float>)], _ metric: ResponseMetric?) {
    guard let outputs = blocks.first?.wanted.shape[1] else { return }
    func weighed(_ rows: Tensor<Float>) -> Tensor<Double> {
      metric?.weighed(responses: rows.converted()) ?? rows.converted()
    }
    var sums = [Double](repeating: 0, count: outputs)
    var squares = 0.0
    var rows = 0.0
    for (wanted, made) in blocks {
      rows += Double(wanted.shape[0])
      let (wanted, made) = (weighed(wanted), weighed(made))
      wanted.withSpan { wanted in
        made.withSpan { made in
          for place in wanted.indices {
            let (right, difference) = (wanted[place], wanted[place] - made[place])
            sums[place % outputs] += right
            squares += right * right
            error += difference * difference
          }
        }
      }
    }
    count += rows
    energy += max(0, squares - sums.reduce(0) { $0 + $1 * $1 } / rows)
  }
}
