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
          var row = LargestOfRow(windows)
          windows.forEachRow { output, map, lines in
            row.find(in: x, map, lines)
            for column in 0..<row.places.count where row.places[column] >= 0 {
              result[row.places[column]] += g[output + column]
            }
          }
        }
      }
    }
    return pass.only(result)
  }
}

/// The first of the largest elements of each window of a row, found tap by tap: all windows of the row at once.
private struct LargestOfRow {
  /// Where they lie; -1 for windows without elements.
  private(set) var places: [Int]
  private var largest: [Float]
  private let windows: PoolWindows
  private let inside: [Range<Int>]

  init(_ windows: PoolWindows) {
    let axis = windows.axes[2]
    self.windows = windows
    places = [Int](repeating: -1, count: windows.outputs[2])
    largest = [Float](repeating: 0, count: places.count)
    inside = (0..<axis.kernel).map { axis.inside(tap: $0, outputs: windows.outputs[2]) }
  }

  mutating func find(in x: Span<Float>, _ map: Int, _ lines: (Int, Int)) {
    let axis = windows.axes[2]
    for column in places.indices { places[column] = -1 }
    windows.forEachLine(map, lines) { line in
      for (tap, inside) in inside.enumerated() {
        var i = line + inside.lowerBound * axis.stride + tap * axis.dilation - axis.before
        for column in inside {
          let value = x[i]
          if value > largest[column] || places[column] < 0 {
            largest[column] = value
            places[column] = i
          }
          i += axis.stride
        }
      }
    }
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
