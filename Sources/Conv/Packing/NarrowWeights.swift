internal import CKernels
import Tensors

/// Weights of a product packed in 16 or 8 bits, without loss: each is a number of half precision, or an integer of 7 bits and
/// a sign times its column's scale.
///
/// What a file holds in half precision or as integers, and what a reader widened, are such weights. Whether they are is seen
/// from the numbers alone, so that nobody has to say.
final class NarrowWeights: @unchecked Sendable {
  /// How the numbers are stored.
  enum Format {
    /// IEEE half precision.
    case halves
    /// Integers with a scale for each column.
    case bytes
  }

  // Sendable because nothing writes to the elements after `init`.
  let format: Format
  /// [panel][depth][panel's columns], the last panel filled up with zeros.
  let base: UnsafeRawPointer
  /// One for each column, for integers.
  let scales: PackedWeights?
  let byteCount: Int

  /// Nil where the numbers are of neither format.
  ///
  /// **Shapes** `weights` [columns, depth].
  init?(_ weights: Tensor<Float>, panel: Int) {
    let (columns, depth) = (weights.shape[0], weights.shape[1])
    let padded = roundUp(columns, to: panel)
    let scales = weights.integerScales
    guard scales != nil || weights.isHalf else { return nil }
    format = scales == nil ? .halves : .bytes
    byteCount = padded * depth * (scales == nil ? 2 : 1)
    let raw = UnsafeMutableRawPointer.allocate(byteCount: max(64, byteCount), alignment: 64)
    raw.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    weights.withSpan { elements in
      for column in 0..<columns {
        let first = column / panel * panel * depth + column % panel
        for d in 0..<depth {
          let (value, place) = (elements[column * depth + d], first + d * panel)
          if let scales {
            raw.storeBytes(of: Int8((value / scales[column]).rounded()), toByteOffset: place, as: Int8.self)
          } else {
            raw.storeBytes(of: Float16(value).bitPattern, toByteOffset: 2 * place, as: UInt16.self)
          }
        }
      }
    }
    base = UnsafeRawPointer(raw)
    self.scales = scales.map { scales in
      PackedWeights(count: padded) { target in
        for column in 0..<columns { target[column] = scales[column] }
      }
    }
  }

  deinit { UnsafeMutableRawPointer(mutating: base).deallocate() }
}

extension Tensor where Element == Float {
  /// Whether half precision holds every number, bit for bit.
  fileprivate var isHalf: Bool {
    withSpan { values in
      for i in values.indices where Float(Float16(values[i])).bitPattern != values[i].bitPattern {
        return false
      }
      return true
    }
  }

  /// For each row the scale of which every number is a multiple by an integer up to 127, bit for bit, where the largest is the
  /// 127-fold; nil where a row has none.
  fileprivate var integerScales: [Float]? {
    let (rows, row) = (shape[0], shape[1])
    return withSpan { values in
      var scales: [Float] = []
      for r in 0..<rows {
        var largest: Float = 0
        for i in r * row..<(r + 1) * row { largest = max(largest, values[i].magnitude) }
        let scale = largest > 0 ? largest / 127 : 1
        guard scale.isNormal else { return nil }
        for i in r * row..<(r + 1) * row {
          let integer = (values[i] / scale).rounded()
          // NaN is no integer, and negative zeros would lose their sign.
          guard integer.magnitude <= 127, (integer * scale).bitPattern == values[i].bitPattern,
            integer != 0 || values[i].sign == .plus
          else { return nil }
        }
        scales.append(scale)
      }
      return scales
    }
  }
}
