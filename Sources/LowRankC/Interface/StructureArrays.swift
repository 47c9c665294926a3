internal import CLowRank

/// Copies numbers into the first places of an array of a structure.
func write<Array>(_ values: [Int], to array: inout Array) {
  withUnsafeMutableBytes(of: &array) { bytes in
    let places = bytes.bindMemory(to: Int64.self)
    for (index, value) in values.enumerated() where index < places.count { places[index] = Int64(value) }
  }
}

/// The first numbers of an array of a structure.
func read<Array>(_ array: Array, count: Int) -> [Int64] {
  withUnsafeBytes(of: array) { bytes in
    (0..<count).map { bytes.load(fromByteOffset: $0 * MemoryLayout<Int64>.stride, as: Int64.self) }
  }
}

/// Copies a text into an array of characters, cut to the room there is, a zero byte behind it.
func write<Array>(_ text: String, to array: inout Array) {
  withUnsafeMutableBytes(of: &array) { bytes in
    for index in bytes.indices { bytes[index] = 0 }
    for (index, byte) in text.utf8.prefix(bytes.count - 1).enumerated() { bytes[index] = byte }
  }
}
