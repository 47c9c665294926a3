#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import Gradients
import Tensors

/// A loss of some images, and its gradient with respect to the values that it is of.
struct LossValue {
  var loss: Double
  var gradient: Tensor<Float>
}

/// The losses. Each is the sum over the images that it is given, times `weight`: parts of a batch add up to the whole.
enum LossFunctions {
  /// The mean squared error over the elements of an image: `sum (y - t)^2 / n`, with gradient `2 (y - t) / n`.
  ///
  /// **Shapes** `y` and `target` [N, ...] alike; n the elements of an image.
  static func meanSquare(_ y: Tensor<Float>, target: TargetView, weight: Double) -> LossValue {
    precondition(target.count == y.count, "\(target.count) elements for \(y.shape)")
    let factor = weight / Double(max(1, y.count / max(1, y.shape[0])))
    let scale = Float(2 * factor)
    var sum = 0.0
    // In one pass: hints are of maps that no cache holds.
    let gradient = Tensor<Float>(shape: y.shape) { gradient in
      y.withSpan { y in
        target.withSpan { target in
          var lanes = SIMD8<Double>()
          var i = 0
          while i + 8 <= y.count {
            var difference = SIMD8<Float>()
            for lane in 0..<8 { difference[lane] = y[unchecked: i + lane] - target[unchecked: i + lane] }
            let wide = SIMD8<Double>(difference)
            lanes += wide * wide
            difference *= scale
            for lane in 0..<8 { gradient[unchecked: i + lane] = difference[lane] }
            i += 8
          }
          sum = lanes.sum()
          while i < y.count {
            let difference = y[unchecked: i] - target[unchecked: i]
            sum += Double(difference) * Double(difference)
            gradient[unchecked: i] = difference * scale
            i += 1
          }
        }
      }
    }
    return LossValue(loss: factor * sum, gradient: gradient)
  }

  /// The divergence of the teacher's probabilities from the network's, both at temperature T, for each row of classes:
  ///
  ///     T^2 sum_c p_c (ln p_c - ln q_c),   p = softmax(target / T), q = softmax(y / T);   gradient T (q - p)
  ///
  /// **Shapes** `y` and `target` [N, ..., classes]; rows of one image are averaged.
  ///
  /// **Source** Hinton, Vinyals, Dean, arXiv 1503.02531; T^2 keeps the gradients of the size that they have at T = 1.
  static func divergence(
    _ y: Tensor<Float>, target: TargetView, temperature: Double, weight: Double
  ) -> LossValue {
    let classes = y.shape[y.shape.order - 1]
    let rows = y.count / max(1, classes)
    let factor = weight * Double(max(1, y.shape[0])) / Double(max(1, rows))
    var loss = 0.0
    let gradient = Tensor<Float>(shape: y.shape) { gradient in
      y.withSpan { y in
        target.withSpan { target in
          for row in 0..<rows {
            let q = logProbabilities(y, row * classes..<(row + 1) * classes, temperature)
            let p = logProbabilities(target, row * classes..<(row + 1) * classes, temperature)
            for c in 0..<classes {
              loss += factor * temperature * temperature * exp(p[c]) * (p[c] - q[c])
              gradient[row * classes + c] = Float(factor * temperature * (exp(q[c]) - exp(p[c])))
            }
          }
        }
      }
    }
    return LossValue(loss: loss, gradient: gradient)
  }

  /// The cross-entropy of labels: `-ln q_label` with gradient `q - 1` at the label, `q` elsewhere.
  ///
  /// **Shapes** `y` [N, classes]; one label an image.
  static func crossEntropy(_ y: Tensor<Float>, labels: [Int], weight: Double) -> LossValue {
    let classes = y.count / max(1, labels.count)
    var loss = 0.0
    let gradient = Tensor<Float>(shape: y.shape) { gradient in
      y.withSpan { y in
        for (row, label) in labels.enumerated() {
          let q = logProbabilities(y, row * classes..<(row + 1) * classes, 1)
          loss -= weight * q[label]
          for c in 0..<classes {
            gradient[row * classes + c] = Float(weight * (exp(q[c]) - (c == label ? 1 : 0)))
          }
        }
      }
    }
    return LossValue(loss: loss, gradient: gradient)
  }

  /// The mean divergence, times `share`, and the cross-entropy of labels where there are any, of a network that finds all classes
  /// equally likely.
  ///
  /// **Shapes** `target` as for `divergence`.
  static func ofEqualClasses(
    _ target: Tensor<Float>, hasLabels: Bool, temperature: Double, share: Double
  ) -> Double {
    let (images, y) = (target.shape[0], Tensor<Float>(shape: target.shape, repeating: 0))
    let weight = 1 / Double(max(1, images))
    let entropy =
      hasLabels ? crossEntropy(y, labels: [Int](repeating: 0, count: images), weight: weight).loss : 0
    return divergence(y, target: TargetView(target), temperature: temperature, weight: share * weight).loss
      + entropy
  }

  /// `ln softmax(x / T)`, in Double and without overflow.
  private static func logProbabilities(
    _ x: Span<Float>, _ row: Range<Int>, _ temperature: Double
  ) -> [Double] {
    let scores = row.map { Double(x[$0]) / temperature }
    let largest = scores.max() ?? 0
    let sum = scores.reduce(0) { $0 + exp($1 - largest) }
    return scores.map { $0 - largest - log(sum) }
  }
}
