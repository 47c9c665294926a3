/// A strided look at the elements of a tensor: a slice or a permutation that copies nothing.
///
/// The view keeps the tensor's elements alive. `Tensor(view)` makes them contiguous.
public struct TensorView<Element: Scalar>: Sendable {
  /// The extents of the view.
  public let shape: Shape
  /// Elements between neighbours along each axis.
  public let strides: [Int]
  private let offset: Int
  private let storage: AlignedStorage<Element>

  init(shape: Shape, strides: [Int], offset: Int, storage: AlignedStorage<Element>) {
    self.shape = shape
    self.strides = strides
    self.offset = offset
    self.storage = storage
  }

  /// The axes in another order: axis `i` of the result is axis `order[i]` of this view.
  ///
  /// **Traps** where `order` is not a permutation of the axes.
  public func permuted(_ order: [Int]) -> TensorView {
    precondition(order.sorted() == Array(0..<shape.order), "\(order) does not permute the axes of \(shape)")
    return TensorView(
      shape: Shape(order.map { shape[$0] }), strides: order.map { strides[$0] }, offset: offset,
      storage: storage)
  }

  /// The part of the view whose index along `axis` lies in `range`.
  ///
  /// **Traps** where the axis or the range is outside the view.
  public func sliced(axis: Int, _ range: Range<Int>) -> TensorView {
    precondition(axis >= 0 && axis < shape.order, "axis \(axis) of a view of \(shape)")
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[axis],
      "\(range) on axis \(axis) of a view of \(shape)")
    var extents = shape.extents
    extents[axis] = range.count
    return TensorView(
      shape: Shape(extents), strides: strides, offset: offset + range.lowerBound * strides[axis],
      storage: storage)
  }

  /// Whether the elements lie in row-major order without gaps.
  public var isContiguous: Bool {
    zip(zip(strides, shape.strides), shape.extents).allSatisfy { $0.0 == $0.1 || $1 == 1 }
  }

  /// Writes the elements, in the view's row-major order, to `target`.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  func copy(to target: UnsafeMutablePointer<Element>) {
    guard shape.count > 0 else { return }
    let source = storage.base + offset
    if isContiguous {
      target.update(from: source, count: shape.count)
      return
    }
    // The innermost axis in a plain loop, the others as an odometer.
    let inner = shape[shape.order - 1]
    let innerStride = strides[shape.order - 1]
    var index = [Int](repeating: 0, count: shape.order - 1)
    var from = 0
    for row in 0..<(shape.count / inner) {
      let out = target + row * inner
      for i in 0..<inner { out[i] = source[from + i * innerStride] }
      for axis in stride(from: shape.order - 2, through: 0, by: -1) {
        index[axis] += 1
        from += strides[axis]
        if index[axis] < shape[axis] { break }
        from -= index[axis] * strides[axis]
        index[axis] = 0
      }
    }
  }
}

extension Tensor {
  /// A view of the whole tensor.
  public var view: TensorView<Element> {
    TensorView(shape: shape, strides: shape.strides, offset: 0, storage: storage)
  }

  /// A contiguous copy of a view.
  ///
  /// **Complexity** one allocation and one pass over the elements.
  public init(_ view: TensorView<Element>) {
    let storage = AlignedStorage<Element>(uninitializedCount: view.shape.count)
    view.copy(to: storage.base)
    self.init(shape: view.shape, storage: storage)
  }

  /// The axes in another order, as a contiguous tensor: axis `i` of the result is axis `order[i]` of this one.
  public func permuted(_ order: [Int]) -> Tensor {
    Tensor(view.permuted(order))
  }
}
