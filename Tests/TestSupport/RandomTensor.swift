import Tensors

extension Tensor {
  /// A tensor of numbers drawn evenly from -1 to 1.
  public static func random(_ shape: Shape, using generator: inout SeededGenerator) -> Tensor {
    Tensor(
      shape: shape,
      elements: (0..<shape.count).map { _ in Element(Double.random(in: -1...1, using: &generator)) })
  }
}
