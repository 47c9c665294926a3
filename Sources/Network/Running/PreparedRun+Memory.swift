import ModelGraph
import Tensors

extension Arena {
  /// Memory for the elements of an input: Float or Int, row-major.
  convenience init(of shape: InputShape) {
    let size = (ElementKind(shape.type) ?? .float).byteCount
    self.init(byteCount: shape.extents.reduce(1, *) * size)
  }
}

/// An output where the last run left it.
package struct OutputMemory {
  package let type: DataType
  package let extents: [Int]
  /// The elements, row-major: Float or Int by the type. They are there until the session's next run.
  package let elements: Elements

  package enum Elements {
    case floats(MemorySlice<Float>)
    case integers(MemorySlice<Int>)
  }

  init(_ value: Value, _ bytes: MemorySlice<UInt8>) {
    (type, extents) = (value.type, value.extents)
    elements =
      switch value.kind {
      case .float: .floats(bytes.bound(to: Float.self))
      case .integer: .integers(bytes.bound(to: Int.self))
      }
  }
}

extension PreparedRun {
  /// The memory of an input, for elements as `OutputMemory` has them; nil where there is none of the name.
  package func input(_ name: String) -> Arena? { inputs[name] }

  /// The outputs of the last run, in the order in which they were asked for; none where nothing has run.
  package func outputs() -> [OutputMemory] {
    guard let last = chain.last else { return [] }
    return values.map { value in
      guard value.count > 0 else { return OutputMemory(value, MemorySlice(last.bytes.base, count: 0)) }
      guard let memory = value.contents?.memory else { return OutputMemory(value, last.memory(of: value)) }
      return OutputMemory(value, memory.slice(UInt8.self, byteOffset: 0, count: memory.byteCount))
    }
  }
}
