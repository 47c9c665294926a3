import Tensors

/// Weights laid out for a kernel: written once when the plan is made, on a 64-byte boundary, then only read.
final class PackedWeights: @unchecked Sendable {
  // Sendable because nothing writes to the elements after `init`.
  let base: UnsafePointer<Float>
  /// The bytes that they take besides the tensor that they come from.
  let byteCount: Int
  /// The tensor, where its own elements are read.
  private let owner: Tensor<Float>?

  /// The elements of a tensor, not packed at all; whoever changes another copy of it changes other elements.
  init(lying tensor: Tensor<Float>) {
    owner = tensor
    base = tensor.withSlice { UnsafePointer($0.base) }
    byteCount = 0
  }

  init(count: Int, fill: (UnsafeMutableBufferPointer<Float>) -> Void) {
    let raw = UnsafeMutableRawPointer.allocate(byteCount: max(64, count * 4), alignment: 64)
    let floats = raw.bindMemory(to: Float.self, capacity: max(16, count))
    floats.initialize(repeating: 0, count: count)
    fill(UnsafeMutableBufferPointer(start: floats, count: count))
    base = UnsafePointer(floats)
    byteCount = 4 * count
    owner = nil
  }

  deinit {
    if owner == nil { UnsafeMutableRawPointer(mutating: base).deallocate() }
  }
}

extension PackedWeights {
  /// Columns for the `rows` kernels: [block][panel][depth][panel's width], the last vector filled up with zeros.
  ///
  /// **Shapes** `weight(block, column, depth)` over `blocks`, `columns` and `depth`; `panel` in vectors of `width` floats.
  static func columns(
    _ columns: Int, depth: Int, panel: Int, width: Int, blocks: Int, weight: (Int, Int, Int) -> Float
  ) -> PackedWeights {
    let padded = roundUp(columns, to: width)
    return PackedWeights(count: blocks * padded * depth) { target in
      for block in 0..<blocks {
        for first in stride(from: 0, to: padded, by: panel * width) {
          let panelWidth = min(panel * width, padded - first)
          let panel = (block * padded + first) * depth
          for d in 0..<depth {
            for column in first..<min(first + panelWidth, columns) {
              target[panel + d * panelWidth + column - first] = weight(block, column, d)
            }
          }
        }
      }
    }
  }

  /// Strips for the `maps` kernel: [group][outputs / strip][depth][strip], the last strip filled up with zeros.
  ///
  /// **Shapes** `weight(group, output, depth)` over `groups`, `outputs` of each and `depth`.
  static func strips(
    _ outputs: Int, depth: Int, strip: Int, groups: Int, weight: (Int, Int, Int) -> Float
  ) -> PackedWeights {
    let padded = roundUp(outputs, to: strip)
    return PackedWeights(count: groups * padded * depth) { target in
      for group in 0..<groups {
        for output in 0..<outputs {
          let first = (group * padded + output / strip * strip) * depth + output % strip
          for d in 0..<depth { target[first + d * strip] = weight(group, output, d) }
        }
      }
    }
  }
}

/// The least multiple of `step` that is not below `value`.
func roundUp(_ value: Int, to step: Int) -> Int { (value + step - 1) / step * step }
