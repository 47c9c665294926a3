import Tensors

extension Tensor where Element == Float {
  /// The kernels of the groups of a layer, one after the other along the output channels.
  func parts(_ groups: Int) -> [Tensor] {
    guard groups > 1 else { return [self] }
    let outputs = shape[0] / groups
    return (0..<groups).map { Tensor(view.sliced(axis: 0, ($0 * outputs)..<(($0 + 1) * outputs))) }
  }
}
