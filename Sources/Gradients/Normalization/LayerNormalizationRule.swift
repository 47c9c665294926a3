import Tensors

/// `LayerNormalization` over the last axes: `y = n scale + bias` with `n = (x - mean) / sqrt(variance + epsilon)`.
///
///     dL/dx = (h - mean(h) - n mean(h n)) / sqrt(variance + epsilon),   h = dL/dy scale
///     dL/dscale = sum of dL/dy n,   dL/dbias = sum of dL/dy
///
/// **Accuracy** the statistics of a row are computed anew in Double.
struct LayerNormalizationRule: GradientRule {
  static let opTypes = ["LayerNormalization"]
  static let weightPlaces = [1, 2]

  private let axis: Int
  private let epsilon: Double

  init(_ node: NodeSettings) throws(GradientError) {
    axis = node.node.int("axis", default: -1)
    epsilon = Double(node.node.float("epsilon", default: 1e-5))
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (x, scale, gradient) = (try pass.floats(0), try pass.floats(1), try pass.gradient())
    let first = try pass.node.axis(axis, order: x.shape.order)
    let width = x.shape.extents[first...].reduce(1, *)
    guard scale.count == width else {
      throw pass.node.failure("there is no gradient for a scale of \(scale.shape) and rows of \(width)")
    }
    var (scales, biases) = ([Double](repeating: 0, count: width), [Double](repeating: 0, count: width))
    let result = Tensor<Float>(shape: x.shape) { result in
      x.withSpan { x in
        scale.withSpan { scale in
          gradient.withSpan { g in
            for row in stride(from: 0, to: x.count, by: width) {
              let (mean, inverse) = statistics(x, row..<row + width)
              var (sum, product) = (0.0, 0.0)
              for i in 0..<width {
                let normal = (Double(x[row + i]) - mean) * inverse
                let h = Double(g[row + i]) * Double(scale[i])
                sum += h
                product += h * normal
                scales[i] += Double(g[row + i]) * normal
                biases[i] += Double(g[row + i])
              }
              let (meanGradient, meanProduct) = (sum / Double(width), product / Double(width))
              for i in 0..<width {
                let normal = (Double(x[row + i]) - mean) * inverse
                let h = Double(g[row + i]) * Double(scale[i])
                result[row + i] = Float((h - meanGradient - normal * meanProduct) * inverse)
              }
            }
          }
        }
      }
    }
    var results = pass.only(result)
    if pass.wants(1) { results[1] = Tensor(shape: scale.shape, elements: scales.map { Float($0) }) }
    if pass.wants(2) {
      results[2] = Tensor(shape: try pass.floats(2).shape, elements: biases.map { Float($0) })
    }
    return results
  }

  private func statistics(_ x: Span<Float>, _ row: Range<Int>) -> (mean: Double, inverse: Double) {
    var sum = 0.0
    for i in row { sum += Double(x[i]) }
    let mean = sum / Double(row.count)
    var squares = 0.0
    for i in row { squares += (Double(x[i]) - mean) * (Double(x[i]) - mean) }
    return (mean, 1 / (squares / Double(row.count) + epsilon).squareRoot())
  }
}
