import Maps
import ModelGraph
import Synchronization
import Tensors

/// A value of a network on its way into a plan: where its elements will lie, or what they are.
///
/// Transpositions, slices and the like are other looks at the same buffer.
struct Value: Sendable {
  /// What the model calls the elements.
  var type: DataType
  /// Extents as the model has them, and where the elements lie in the buffer.
  var layout: StridedShape
  /// The element of the buffer that is the first one.
  var offset: Int
  /// The buffer; nil where only the contents are known.
  var buffer: Int?
  /// The elements, where they are known before the run.
  var contents: KnownContents?

  /// The extents.
  var extents: [Int] { layout.extents }
  /// The number of axes.
  var order: Int { layout.extents.count }
  /// The number of elements.
  var count: Int { layout.extents.reduce(1, *) }
  /// What elements are computed as.
  var kind: ElementKind { ElementKind(type) ?? .float }

  /// Whether the elements lie row-major without gaps.
  var isRowMajor: Bool { layout.lies(as: Shape(extents).strides) }

  /// How the elements lie, in a word for profiles.
  var layoutName: String {
    if isRowMajor { return "row-major" }
    return layout.lies(as: AxisOrder.channelLast.strides(extents)) ? "channel-last" : "strided"
  }
}

extension StridedShape {
  /// Whether elements lie as these strides say: axes of extent 1 lie anyhow.
  func lies(as others: [Int]) -> Bool {
    extents.contains(0)
      || zip(extents, zip(strides, others)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
  }
}

/// The order in which the axes of a value lie in its buffer.
enum AxisOrder: Hashable, Sendable {
  /// The last axis side by side, as ONNX has it.
  case rowMajor
  /// The second axis side by side, the others in their order: `[N, extents..., C]` in memory.
  case channelLast

  /// The strides of a value without gaps.
  func strides(_ extents: [Int]) -> [Int] {
    guard self == .channelLast, extents.count > 2 else { return Shape(extents).strides }
    let inner = Shape([extents[0]] + extents[2...] + [extents[1]]).strides
    return [inner[0], 1] + inner[1..<(inner.count - 1)]
  }
}

/// Elements that are known before a run.
final class KnownContents: Sendable {
  /// The elements, row-major.
  let tensor: NetworkTensor
  /// Whether they are so in every run: they come from the model's constants alone.
  let isPermanent: Bool
  private let copy = Mutex<Arena?>(nil)

  init(_ tensor: NetworkTensor, isPermanent: Bool) {
    (self.tensor, self.isPermanent) = (tensor, isPermanent)
  }

  /// The elements as memory, which is made when first asked for.
  var memory: Arena {
    copy.withLock { known in
      if let known { return known }
      let made = Arena(tensor)
      known = made
      return made
    }
  }
}

extension Arena {
  /// A copy of a tensor's elements.
  convenience init(_ tensor: NetworkTensor) {
    switch tensor.elements {
    case .floats(let floats):
      self.init(byteCount: floats.count * 4)
      let target = slice(Float.self, byteOffset: 0, count: floats.count)
      floats.withSlice { target.copy($0) }
    case .integers(let integers):
      self.init(byteCount: integers.count * 8)
      let target = slice(Int.self, byteOffset: 0, count: integers.count)
      for (i, integer) in integers.enumerated() { target[i] = integer }
    }
  }
}
