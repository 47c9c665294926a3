import TensorFiles
import Tensors

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension TensorProto {
  /// The extents, or nil where one is negative or their product overflows.
  var shape: Shape? { Shape(checking: dims.map(Int.init)) }

  /// The element type, where it is one of those that weights have.
  var elementType: ElementType? { ElementType(onnx: dataType) }

  /// How many bytes raw data of these extents have; nil for types without a fixed size and those of later standards.
  func byteCount(of shape: Shape) -> CheckedInteger? {
    bitsPerElement(onnx: dataType).map { bits in
      (CheckedInteger(shape.count) * CheckedInteger(bits)).dividedRoundingUp(by: 8)
    }
  }

  /// Whether the tensor has as many values as its extents say, as far as that can be told without reading them.
  var hasFloatValues: Bool {
    guard let shape, let type = elementType, dataLocation == 0 else { return false }
    if hasRawData {
      return (CheckedInteger(shape.count) * CheckedInteger(type.byteCount)).value == rawData.count
    }
    return switch type {
    case .float32: floatData.count == shape.count
    case .float64: doubleData.count == shape.count
    case .float16, .bfloat16: int32Data.count == shape.count
    }
  }

  /// The values as Float, whatever floating-point type they are stored in; nil where the tensor is of another type
  /// or contradicts itself.
  var floatTensor: Tensor<Float>? {
    guard hasFloatValues, let shape, let type = elementType else { return nil }
    if hasRawData { return Tensor(shape: shape, data: rawData, type: type) }
    return switch type {
    case .float32: Tensor(shape: shape, elements: floatData)
    case .float64: Tensor(shape: shape, elements: doubleData.map { Float($0) })
    // Half precision lies in `int32_data`, one bit pattern an element.
    case .float16:
      Tensor(
        shape: shape, elements: int32Data.map { Float(Float16(bitPattern: UInt16(truncatingIfNeeded: $0))) })
    case .bfloat16:
      Tensor(shape: shape, elements: int32Data.map { Float(bfloat16Bits: UInt16(truncatingIfNeeded: $0)) })
    }
  }

  /// A tensor of a floating-point type from Float values, rounded to nearest, as raw data.
  init(name: String, _ tensor: Tensor<Float>, type: ElementType) {
    self.init()
    self.name = name
    dims = tensor.shape.extents.map(Int64.init)
    dataType = type.onnx
    rawData = tensor.data(as: type)
  }

  /// The values of a small tensor of 32- or 64-bit integers, as shapes and indices are; nil for other types, for
  /// tensors that contradict themselves, and for more values than any shape has.
  var integers: [Int]? {
    guard let shape, shape.count <= 4096, dataLocation == 0 else { return nil }
    switch dataType {
    case int64DataType:
      if hasRawData { return rawIntegers(Int64.self, count: shape.count) }
      return int64Data.count == shape.count ? int64Data.map(Int.init) : nil
    case int32DataType:
      if hasRawData { return rawIntegers(Int32.self, count: shape.count) }
      return int32Data.count == shape.count ? int32Data.map(Int.init) : nil
    default: return nil
    }
  }

  private func rawIntegers<T: FixedWidthInteger>(_: T.Type, count: Int) -> [Int]? {
    let size = MemoryLayout<T>.size
    guard rawData.count == size * count else { return nil }
    return rawData.withUnsafeBytes { bytes in
      (0..<count).map {
        Int(T(littleEndian: bytes.loadUnaligned(fromByteOffset: size * $0, as: T.self)))
      }
    }
  }
}
