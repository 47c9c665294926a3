internal import CLowRank
internal import ModelGraph
internal import Network
internal import Tensors

/// Elements in a caller's memory, as many as there are said to be.
struct ElementBuffer {
  let code: ElementCode
  /// The address; nil where there are no elements.
  let base: UnsafeMutableRawPointer?
  let count: Int
  let name: String

  /// Elements that must be there and aligned, unless there are none.
  init(
    _ base: UnsafeMutableRawPointer?, count: Int, _ code: ElementCode, _ name: String
  ) throws(Failure) {
    (self.code, self.base, self.count, self.name) = (code, base, count, name)
    guard count != 0 else { return }
    guard let base else { throw Failure(LOWRANK_NULL_ARGUMENT, "\(name) is null") }
    guard UInt(bitPattern: base) % UInt(code.byteCount) == 0 else {
      throw Failure(LOWRANK_MISALIGNED, "\(name) is not on a boundary of \(code.byteCount) bytes")
    }
    _ = try ByteRange(base, count: count, stride: code.byteCount, name)
  }

  /// The addresses; nil where there are no elements.
  func byteRange() throws(Failure) -> ByteRange? {
    guard let base, count > 0 else { return nil }
    return try ByteRange(base, count: count, stride: code.byteCount, name)
  }

  private func elements<Element>(_: Element.Type) -> UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(start: base?.assumingMemoryBound(to: Element.self), count: count)
  }

  /// Writes the elements into the memory of an input.
  func copy(to input: Arena) {
    switch code {
    case .float: copyFloats(to: input, Float.self)
    case .double: copyFloats(to: input, Double.self)
    case .int8: copyIntegers(to: input, Int8.self)
    case .int16: copyIntegers(to: input, Int16.self)
    case .int32: copyIntegers(to: input, Int32.self)
    case .int64: copyIntegers(to: input, Int64.self)
    case .uint8: copyIntegers(to: input, UInt8.self)
    case .uint16: copyIntegers(to: input, UInt16.self)
    case .uint32: copyIntegers(to: input, UInt32.self)
    case .uint64: copyIntegers(to: input, UInt64.self)
    case .bool:
      let target = input.slice(Int.self, byteOffset: 0, count: count)
      for (place, element) in elements(UInt8.self).enumerated() { target.base[place] = element == 0 ? 0 : 1 }
    }
  }

  private func copyFloats<Element: BinaryFloatingPoint & BitwiseCopyable>(
    to input: Arena, _: Element.Type
  ) {
    let target = input.slice(Float.self, byteOffset: 0, count: count)
    for (place, element) in elements(Element.self).enumerated() { target.base[place] = Float(element) }
  }

  private func copyIntegers<Element: FixedWidthInteger & BitwiseCopyable>(
    to input: Arena, _: Element.Type
  ) {
    let target = input.slice(Int.self, byteOffset: 0, count: count)
    for (place, element) in elements(Element.self).enumerated() {
      target.base[place] = Int(truncatingIfNeeded: element)
    }
  }

  /// Some of the places on the first axis of an array of these extents, as a network's value of this type; nil where it
  /// does not hold them: floating point, where it is of integers.
  func tensor(_ places: [Int], of extents: [Int], type: DataType) -> NetworkTensor? {
    let shape = Shape([places.count] + extents.dropFirst())
    let length = shape.count / max(1, places.count)
    let parts = places.map { $0 * length..<($0 + 1) * length }
    switch code {
    case .float: return NetworkTensor(floats: gathered(parts) { (x: Float) in x }, shape, type)
    case .double: return NetworkTensor(floats: gathered(parts) { (x: Double) in Float(x) }, shape, type)
    case .int8: return NetworkTensor(integers: gathered(parts) { (x: Int8) in Int(x) }, shape, type)
    case .int16: return NetworkTensor(integers: gathered(parts) { (x: Int16) in Int(x) }, shape, type)
    case .int32: return NetworkTensor(integers: gathered(parts) { (x: Int32) in Int(x) }, shape, type)
    case .int64: return NetworkTensor(integers: gathered(parts) { (x: Int64) in Int(x) }, shape, type)
    case .uint8: return NetworkTensor(integers: gathered(parts) { (x: UInt8) in Int(x) }, shape, type)
    case .uint16: return NetworkTensor(integers: gathered(parts) { (x: UInt16) in Int(x) }, shape, type)
    case .uint32: return NetworkTensor(integers: gathered(parts) { (x: UInt32) in Int(x) }, shape, type)
    case .uint64:
      return NetworkTensor(
        integers: gathered(parts) { (x: UInt64) in Int(truncatingIfNeeded: x) }, shape, type)
    case .bool: return NetworkTensor(integers: gathered(parts) { (x: UInt8) in x == 0 ? 0 : 1 }, shape, type)
    }
  }

  private func gathered<Element, Result>(
    _ parts: [Range<Int>], _ converted: (Element) -> Result
  ) -> [Result] {
    let all = elements(Element.self)
    return parts.flatMap { all[$0].map(converted) }
  }

  /// Takes the elements of an output, which has as many, of the same kind.
  func fill(from output: OutputMemory.Elements) {
    switch output {
    case .floats(let source):
      if code == .double {
        fill(Double.self, from: source) { Double($0) }
      } else {
        fill(Float.self, from: source) { $0 }
      }
    case .integers(let source): fill(from: source)
    }
  }

  private func fill(from source: MemorySlice<Int>) {
    switch code {
    case .int8, .uint8: fill(UInt8.self, from: source) { UInt8(truncatingIfNeeded: $0) }
    case .int16, .uint16: fill(UInt16.self, from: source) { UInt16(truncatingIfNeeded: $0) }
    case .int32, .uint32: fill(UInt32.self, from: source) { UInt32(truncatingIfNeeded: $0) }
    case .int64, .uint64: fill(Int.self, from: source) { $0 }
    case .bool: fill(UInt8.self, from: source) { $0 == 0 ? 0 : 1 }
    case .float, .double: preconditionFailure("integers for an array of floats")
    }
  }

  private func fill<Element, Source>(
    _: Element.Type, from source: MemorySlice<Source>, _ converted: (Source) -> Element
  ) {
    let target = elements(Element.self)
    for place in 0..<min(count, source.count) { target[place] = converted(source.base[place]) }
  }
}

extension NetworkTensor {
  /// Floating point as a value of this type; nil for one of integers.
  fileprivate init?(floats: [Float], _ shape: Shape, _ type: DataType) {
    guard type.elementType != nil else { return nil }
    self.init(Tensor(shape: shape, elements: floats), type: type)
  }

  /// Integers as a value of this type, which may be of floating point.
  fileprivate init(integers: [Int], _ shape: Shape, _ type: DataType) {
    if type.elementType != nil {
      self.init(Tensor(shape: shape, elements: integers.map { Float($0) }), type: type)
    } else {
      self.init(shape: shape, integers: integers, type: type)
    }
  }
}
