public import Tensors

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

extension Tensor where Element == Float {
  /// The numbers stored in `data`, row-major and little endian, rounded to nearest where they are doubles.
  ///
  /// **Returns** nil where the number of bytes is not that of the shape.
  public init?(shape: Shape, data: Data, type: ElementType) {
    guard holds(data, shape, type) else { return nil }
    self.init(shape: shape) { values in
      switch type {
      case .float16: decode(data, UInt16.self, &values) { Float(Float16(bitPattern: $0)) }
      case .bfloat16: decode(data, UInt16.self, &values) { Float(bfloat16Bits: $0) }
      case .float32: decode(data, UInt32.self, &values) { Float(bitPattern: $0) }
      case .float64: decode(data, UInt64.self, &values) { Float(Double(bitPattern: $0)) }
      }
    }
  }

  /// The numbers as bytes, row-major and little endian, rounded to nearest.
  public func data(as type: ElementType) -> Data {
    withSpan { values in
      switch type {
      case .float16: encode(values) { Float16($0).bitPattern }
      case .bfloat16: encode(values) { $0.bfloat16Bits }
      case .float32: encode(values) { $0.bitPattern }
      case .float64: encode(values) { Double($0).bitPattern }
      }
    }
  }
}

extension Tensor where Element == Double {
  /// The numbers stored in `data`, row-major and little endian.
  ///
  /// **Returns** nil where the number of bytes is not that of the shape.
  public init?(shape: Shape, data: Data, type: ElementType) {
    guard type == .float64 else {
      guard let narrow = Tensor<Float>(shape: shape, data: data, type: type) else { return nil }
      self = narrow.converted()
      return
    }
    guard holds(data, shape, type) else { return nil }
    self.init(shape: shape) { values in
      decode(data, UInt64.self, &values) { Double(bitPattern: $0) }
    }
  }

  /// The numbers as bytes, row-major and little endian, rounded to nearest (to 16 bits by way of single precision).
  public func data(as type: ElementType) -> Data {
    guard type == .float64 else { return converted(to: Float.self).data(as: type) }
    return withSpan { values in encode(values) { $0.bitPattern } }
  }
}

private func holds(_ data: Data, _ shape: Shape, _ type: ElementType) -> Bool {
  (CheckedInteger(shape.count) * CheckedInteger(type.byteCount)).value == data.count
}

@inline(__always)
private func decode<Element: Scalar, Bits: FixedWidthInteger>(
  _ data: Data, _: Bits.Type, _ values: inout MutableSpan<Element>, _ convert: (Bits) -> Element
) {
  data.withUnsafeBytes { bytes in
    for i in values.indices {
      let offset = i * MemoryLayout<Bits>.size
      values[i] = convert(Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Bits.self)))
    }
  }
}

@inline(__always)
private func encode<Element: Scalar, Bits: FixedWidthInteger>(
  _ values: Span<Element>, _ convert: (Element) -> Bits
) -> Data {
  let size = MemoryLayout<Bits>.size
  var data = Data(count: values.count * size)
  data.withUnsafeMutableBytes { bytes in
    for i in values.indices {
      bytes.storeBytes(of: convert(values[i]).littleEndian, toByteOffset: i * size, as: Bits.self)
    }
  }
  return data
}
