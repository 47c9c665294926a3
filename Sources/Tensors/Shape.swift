/// The extents of a tensor, outermost axis first; memory order is row-major.
///
/// Axes are numbered from 0 as in Swift; modes, in the documentation of decompositions, from 1 as in
/// Kolda and Bader: mode n is axis n - 1.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// One extent an axis, none negative.
  public let extents: [Int]
  /// The product of the extents; 1 for a scalar (order 0).
  public let count: Int

  /// Makes a shape from extents the program chose itself.
  ///
  /// **Traps** where an extent is negative or the product overflows `Int`; for extents that come from a file
  /// use `init(checking:)`.
  public init(_ extents: [Int]) {
    guard let shape = Shape(checking: extents) else {
      preconditionFailure("extents \(extents) are negative or their product overflows")
    }
    self = shape
  }

  /// Makes a shape from extents that come from outside, or nil where one is negative, or the product of those that
  /// are not 0 overflows.
  public init?(checking extents: [Int]) {
    // An extent of 0 must not hide others that overflow: strides, and the shape with its axes in another order, would.
    guard extents.allSatisfy({ $0 >= 0 }),
      let product = CheckedInteger.product(extents.lazy.map { max(1, $0) }).value
    else { return nil }
    self.extents = extents
    self.count = extents.contains(0) ? 0 : product
  }

  /// Makes a shape from a literal; traps as `init(_:)` does.
  public init(arrayLiteral elements: Int...) {
    self.init(elements)
  }

  /// The number of axes.
  public var order: Int { extents.count }

  /// The extent of one axis.
  public subscript(axis: Int) -> Int { extents[axis] }

  /// Elements between neighbours along each axis, in row-major order.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: order)
    for axis in stride(from: order - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * extents[axis + 1]
    }
    return strides
  }

  /// The extents joined by `x`, as in `64x32x3x3`; `scalar` for order 0.
  public var description: String {
    extents.isEmpty ? "scalar" : extents.map(String.init).joined(separator: "x")
  }
}
