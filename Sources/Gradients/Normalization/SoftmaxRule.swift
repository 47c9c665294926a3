#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import Tensors

/// `Softmax` and `LogSoftmax` along an axis; before version 13 along all axes from one on.
///
///     softmax      dL/dx = y (g - sum of g y)
///     logSoftmax   dL/dx = g - exp(y) sum of g
struct SoftmaxRule: GradientRule {
  static let opTypes = ["Softmax", "LogSoftmax"]

  private let isLog: Bool
  private let axis: Int
  private let takesRest: Bool

  init(_ node: NodeSettings) throws(GradientError) {
    isLog = node.node.opType == "LogSoftmax"
    takesRest = node.opset < 13
    axis = node.node.int("axis", default: takesRest ? 1 : -1)
  }

  func backward(_ pass: BackwardPass) throws(GradientError) -> [Tensor<Float>?] {
    let (y, gradient) = (try pass.output(), try pass.gradient())
    let axis = try pass.node.axis(axis, order: y.shape.order)
    let inner = takesRest ? 1 : y.shape.extents[(axis + 1)...].reduce(1, *)
    let width = takesRest ? y.shape.extents[axis...].reduce(1, *) : y.shape[axis]
    let isLog = isLog
    let result = Tensor<Float>(shape: y.shape) { result in
      y.withSpan { y in
        gradient.withSpan { g in
          for outer in stride(from: 0, to: y.count, by: width * inner) {
            for column in 0..<inner {
              var sum: Float = 0
              for k in 0..<width {
                let i = outer + k * inner + column
                sum += isLog ? g[i] : g[i] * y[i]
              }
              for k in 0..<width {
                let i = outer + k * inner + column
                result[i] = isLog ? g[i] - expf(y[i]) * sum : y[i] * (g[i] - sum)
              }
            }
          }
        }
      }
    }
    return pass.only(result)
  }
}
