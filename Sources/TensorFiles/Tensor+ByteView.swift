public import Tensors

extension Tensor where Element == Float {
  /// The numbers stored in `bytes`, row-major and little endian, rounded to nearest where they are doubles.
  ///
  /// **Returns** nil where the number of bytes is not that of the shape.
  ///
  /// **Throws** `FileError` where the bytes are a file's and cannot be read.
  ///
  /// **Complexity** one pass over the bytes, 256 KiB of them in memory at a time.
  public init?(shape: Shape, bytes: ByteView, type: ElementType) throws(FileError) {
    let needed = CheckedInteger(shape.count) * CheckedInteger(type.byteCount)
    guard bytes.count == needed.value else { return nil }
    try self.init(shape: shape) { (values: inout MutableSpan<Float>) throws(FileError) in
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + ByteView.chunk)
        let chunk = try bytes[start..<end].bytes()
        let place = start / type.byteCount
        switch type {
        case .float16: decode(chunk, UInt16.self, &values, from: place) { Float(Float16(bitPattern: $0)) }
        case .bfloat16: decode(chunk, UInt16.self, &values, from: place) { Float(bfloat16Bits: $0) }
        case .float32: decode(chunk, UInt32.self, &values, from: place) { Float(bitPattern: $0) }
        case .float64: decode(chunk, UInt64.self, &values, from: place) { Float(Double(bitPattern: $0)) }
        }
        start = end
      }
    }
  }

  /// The numbers as bytes, row-major and little endian, rounded to nearest.
  public func bytes(as type: ElementType) -> [UInt8] {
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

@inline(__always)
private func decode<Bits: FixedWidthInteger>(
  _ bytes: [UInt8], _: Bits.Type, _ values: inout MutableSpan<Float>, from place: Int,
  _ convert: (Bits) -> Float
) {
  let size = MemoryLayout<Bits>.size
  bytes.withUnsafeBytes { bytes in
    for i in 0..<(bytes.count / size) {
      values[place + i] = convert(
        Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: i * size, as: Bits.self)))
    }
  }
}

@inline(__always)
private func encode<Bits: FixedWidthInteger>(_ values: Span<Float>, _ convert: (Float) -> Bits) -> [UInt8] {
  let size = MemoryLayout<Bits>.size
  return [UInt8](unsafeUninitializedCapacity: values.count * size) { buffer, count in
    let bytes = UnsafeMutableRawBufferPointer(buffer)
    for i in values.indices {
      bytes.storeBytes(of: convert(values[i]).littleEndian, toByteOffset: i * size, as: Bits.self)
    }
    count = values.count * size
  }
}
