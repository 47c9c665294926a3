import Tensors

/// Where the elements of one tensor lie in another that is row-major, by their positions.
struct ElementIndexing: Sendable {
  let extents: [Int]
  let strides: [Int]

  /// The element that a position, counted row-major over the extents, lies at.
  func offset(of position: Int) -> Int {
    var (rest, offset) = (position, 0)
    for axis in extents.indices.reversed() {
      offset += rest % extents[axis] * strides[axis]
      rest /= extents[axis]
    }
    return offset
  }
}

/// What becomes of an element that is written again.
enum ScatterReduction: String, CaseIterable, Sendable {
  case none, add, mul, min, max

  /// The function on floats.
  var ofFloats: @Sendable (Float, Float) -> Float {
    switch self {
    case .none: { $1 }
    case .add: { $0 + $1 }
    case .mul: { $0 * $1 }
    case .min: { $0 < $1 || $0.isNaN ? $0 : $1 }
    case .max: { $0 > $1 || $0.isNaN ? $0 : $1 }
    }
  }

  /// The function on integers, which wrap around.
  var ofIntegers: @Sendable (Int, Int) -> Int {
    switch self {
    case .none: { $1 }
    case .add: { $0 &+ $1 }
    case .mul: { $0 &* $1 }
    case .min: { Swift.min($0, $1) }
    case .max: { Swift.max($0, $1) }
    }
  }
}
