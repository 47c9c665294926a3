/// A dense tensor that owns its elements, row-major, on a 64-byte boundary.
///
/// A value type: copies share the elements until one of them is written to.
///
/// **Complexity** creation allocates `shape.count` elements once; reading through `withSpan` and `view` copies
/// nothing; the first write to a shared tensor copies it.
public struct Tensor<Element: Scalar>: Sendable {
  /// The extents of the tensor.
  public let shape: Shape
  var storage: AlignedStorage<Element>

  init(shape: Shape, storage: AlignedStorage<Element>) {
    self.shape = shape
    self.storage = storage
  }

  /// A tensor with every element equal to `value`.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  public init(shape: Shape, repeating value: Element = 0) {
    self.init(shape: shape, storage: AlignedStorage(uninitializedCount: shape.count))
    storage.buffer.update(repeating: value)
  }

  /// A tensor with the given elements in row-major order.
  ///
  /// **Traps** where `elements.count` is not `shape.count`.
  public init(shape: Shape, elements: some Collection<Element>) {
    precondition(elements.count == shape.count, "\(elements.count) elements for a tensor of \(shape)")
    self.init(shape: shape, storage: AlignedStorage(uninitializedCount: shape.count))
    _ = storage.buffer.update(fromContentsOf: elements)
  }

  /// A tensor whose elements are written by `initialize`, which must write all of them: they are not zero before.
  public init<E: Error>(
    shape: Shape, initializedBy initialize: (inout MutableSpan<Element>) throws(E) -> Void
  ) throws(E) {
    self.init(shape: shape, storage: AlignedStorage(uninitializedCount: shape.count))
    try withMutableSpan(initialize)
  }

  /// The number of elements.
  public var count: Int { shape.count }

  /// Lends the elements in row-major order.
  public func withSpan<R, E: Error>(_ body: (Span<Element>) throws(E) -> R) throws(E) -> R {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeBufferPointer(storage.buffer).span)
  }

  /// Lends the elements in row-major order for writing; copies them first where another tensor shares them.
  public mutating func withMutableSpan<R, E: Error>(
    _ body: (inout MutableSpan<Element>) throws(E) -> R
  ) throws(E) -> R {
    if !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
    defer { withExtendedLifetime(storage) {} }
    var span = storage.buffer.mutableSpan
    return try body(&span)
  }

  /// The elements in row-major order.
  public var elements: [Element] { Array(storage.buffer) }

  /// One element by its index along every axis.
  ///
  /// **Traps** where the number of indices is not the order or one is out of range.
  public subscript(indices: Int...) -> Element {
    get { withSpan { $0[offset(of: indices)] } }
    set {
      let offset = offset(of: indices)
      withMutableSpan { $0[offset] = newValue }
    }
  }

  /// The same elements in the same order under other extents; shares the elements.
  ///
  /// **Traps** where the counts differ.
  public func reshaped(_ shape: Shape) -> Tensor {
    precondition(shape.count == count, "a tensor of \(self.shape) cannot become \(shape)")
    return Tensor(shape: shape, storage: storage)
  }

  /// The elements converted to another scalar type, rounded to nearest.
  @_specialize(where Element == Float, Other == Double)
  @_specialize(where Element == Double, Other == Float)
  public func converted<Other: Scalar>(to: Other.Type = Other.self) -> Tensor<Other> {
    if let same = self as? Tensor<Other> { return same }
    var result = Tensor<Other>(shape: shape, storage: AlignedStorage(uninitializedCount: count))
    withSpan { source in
      result.withMutableSpan { target in
        for i in source.indices { target[i] = Other(source[i]) }
      }
    }
    return result
  }

  private func offset(of indices: [Int]) -> Int {
    precondition(indices.count == shape.order, "\(indices.count) indices into a tensor of \(shape)")
    var offset = 0
    for (axis, index) in indices.enumerated() {
      precondition(
        index >= 0 && index < shape[axis], "index \(index) on axis \(axis) of a tensor of \(shape)")
      offset = offset * shape[axis] + index
    }
    return offset
  }
}

extension Tensor: Equatable {
  /// Whether the shapes are the same and all elements compare equal (NaN equals nothing).
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  public static func == (a: Tensor, b: Tensor) -> Bool {
    a.shape == b.shape && a.storage.buffer.elementsEqual(b.storage.buffer)
  }
}
