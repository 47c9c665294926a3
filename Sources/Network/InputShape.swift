import ModelGraph
import Tensors

/// The shape of an input, and what its elements are.
package struct InputShape: Hashable, Sendable {
  package let type: DataType
  package let extents: [Int]

  init(_ tensor: NetworkTensor) { (type, extents) = (tensor.type, tensor.shape.extents) }

  package init(type: DataType, extents: [Int]) { (self.type, self.extents) = (type, extents) }

  /// Checks the shape against what the model says of the input, and the memory of its elements against a limit.
  func check(against info: ValueInfo, limit: Int) throws(NetworkError) {
    guard let kind = ElementKind(type) else {
      throw .input(name: info.name, reason: "there is no arithmetic here for \(type)")
    }
    if let wanted = info.dataType, ElementKind(wanted) != kind {
      throw .input(name: info.name, reason: "it is of \(type), the network takes \(wanted)")
    }
    let bytes = CheckedInteger.product(extents.map { Optional($0) }) * CheckedInteger(kind.byteCount)
    guard let size = bytes.value, size <= limit else {
      throw .memory(what: "input '\(info.name)'", byteCount: bytes.value, limit: limit)
    }
    guard let wanted = info.extents else { return }
    let fits = wanted.count == extents.count && zip(wanted, extents).allSatisfy { $0 == nil || $0 == $1 }
    guard fits else {
      throw .input(
        name: info.name, reason: "its shape is \(Shape(extents)), the network takes \(info.shapeText)")
    }
  }
}
