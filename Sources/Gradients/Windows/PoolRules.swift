import Tensors

/// `MaxPool`: the gradient goes to the first of the largest elements of each window.
struct MaxPoolRule: GradientRule {
  static let opTypes = ["MaxPool"]

  private let window: WindowSettings

  init(_ node: NodeSettings) throws(GradientError) { window = try WindowSettings(node) }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (x, gradient) = (try pass.floats(0), try pass.gradient())
    let windows = try window.pool(x.shape, gradient.shape, pass.node)
    var result = Tensor<Float>(shape: x.shape, repeating: 0)
    result.withMutableSpan { result in
      x.withSpan { x in
        gradient.withSpan { g in
          windows.forEach { output, map, places in
            var (best, largest) = (-1, -Float.infinity)
            windows.forEachElement(map, places) { i in
              if x[i] > largest || best < 0 { (best, largest) = (i, x[i]) }
            }
            if best >= 0 { result[best] += g[output] }
          }
        }
      }
    }
    return pass.only(result)
  }
}

/// `AveragePool`: the gradient is shared out evenly over each window.
struct AveragePoolRule: GradientRule {
  static let opTypes = ["AveragePool"]

  private let window: WindowSettings
  private let countsPadding: Bool

  init(_ node: NodeSettings) throws(GradientError) {
    window = try WindowSettings(node)
    countsPadding = node.node.int("count_include_pad", default: 0) != 0
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (x, gradient) = (try pass.floats(0), try pass.gradient())
    let windows = try window.pool(x.shape, gradient.shape, pass.node)
    let axes = windows.axes
    var result = Tensor<Float>(shape: x.shape, repeating: 0)
    result.withMutableSpan { result in
      gradient.withSpan { g in
        windows.forEach { output, map, places in
          var count = 0
          if countsPadding {
            count = axes[0].counted(places.0) * axes[1].counted(places.1) * axes[2].counted(places.2)
          } else {
            windows.forEachElement(map, places) { _ in count += 1 }
          }
          let share = g[output] / Float(max(1, count))
          windows.forEachElement(map, places) { result[$0] += share }
        }
      }
    }
    return pass.only(result)
  }
}

/// `GlobalAveragePool` and `GlobalMaxPool`: one window that is all of a map.
struct GlobalPoolRule: GradientRule {
  static let opTypes = ["GlobalAveragePool", "GlobalMaxPool"]

  private let isMaximum: Bool

  init(_ node: NodeSettings) throws(GradientError) { isMaximum = node.node.opType == "GlobalMaxPool" }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (x, gradient) = (try pass.floats(0), try pass.gradient())
    let size = x.count / max(1, gradient.count)
    let isMaximum = isMaximum
    return pass.only(
      Tensor(shape: x.shape) { result in
        x.withSpan { x in
          gradient.withSpan { g in
            for map in 0..<g.count {
              let elements = map * size..<(map + 1) * size
              let share = isMaximum ? 0 : g[map] / Float(size)
              for i in elements { result[i] = share }
              guard isMaximum, var best = elements.first else { continue }
              for i in elements where x[i] > x[best] { best = i }
              result[best] = g[map]
            }
          }
        }
      })
  }
}

extension WindowSettings {
  /// The windows of a pool from one shape to another.
  fileprivate func pool(_ x: Shape, _ y: Shape, _ node: NodeSettings) throws(GradientError) -> PoolWindows {
    guard let kernel else { throw node.failure("the attribute 'kernel_shape' is missing") }
    let axes = try axes(Array(x.extents.dropFirst(2)), kernel: kernel, node)
    return try PoolWindows(axes, x, y, node)
  }
}
