extension DataType {
  /// The types by the numbers of the standard's `TensorProto.DataType`, which attributes have too.
  private static let byNumber: [Int: DataType] = [
    1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 8: .string, 9: .bool,
    10: .float16, 11: .float64, 12: .uint32, 13: .uint64, 14: .complex64, 15: .complex128, 16: .bfloat16,
    17: .float8e4m3fn, 18: .float8e4m3fnuz, 19: .float8e5m2, 20: .float8e5m2fnuz, 21: .uint4, 22: .int4,
    23: .float4e2m1, 24: .float8e8m0, 25: .uint2, 26: .int2,
  ]
  private static let numbers = Dictionary(uniqueKeysWithValues: byNumber.map { ($1, $0) })

  /// The type of one of the standard's numbers.
  package init(number: Int) { self = Self.byNumber[number] ?? .other(number) }

  /// The standard's number of the type.
  package var number: Int {
    if case .other(let number) = self { return number }
    return Self.numbers[self] ?? 0
  }
}
