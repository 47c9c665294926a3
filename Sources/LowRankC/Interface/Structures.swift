internal import CLowRank

/// A structure of the header, all of which begin with `struct_size`: their size in the caller's header, which may be an
/// older one, with fewer members, or a newer one, with more.
protocol CStructure {
  init()
  /// Where the members end that a header's structure may end with, from the least size to that of this version.
  static var ends: [Int] { get }
}

extension CStructure {
  /// The bytes from the structure's beginning to the end of a member.
  static func end<Value>(_ member: KeyPath<Self, Value>) -> Int {
    guard let offset = MemoryLayout<Self>.offset(of: member) else {
      preconditionFailure("\(member) is not stored in \(Self.self)")
    }
    return offset + MemoryLayout<Value>.size
  }

  /// The largest structure that is looked at: a size over it is no version's, and more likely none at all.
  static var largestSize: Int { 4096 }
}

/// A copy of a caller's structure; what an older header lacks is zero in it.
func structure<T: CStructure>(_ pointer: UnsafePointer<T>?, _ name: String) throws(Failure) -> T {
  let source = UnsafeRawPointer(try required(pointer, name))
  let size = source.load(as: Int.self)
  let known = MemoryLayout<T>.size
  guard T.ends.contains(size) || isNewer(size, T.self) else {
    throw Failure(
      LOWRANK_INVALID_ARGUMENT,
      "\(name)->struct_size is \(UInt(bitPattern: size)), which is the size of no version: set it to sizeof *\(name), "
        + "here \(known)")
  }
  if size > known {
    let surplus = UnsafeRawBufferPointer(start: source + known, count: size - known)
    guard surplus.allSatisfy({ $0 == 0 }) else {
      throw Failure(
        LOWRANK_INVALID_ARGUMENT,
        "\(name)->struct_size is \(size), and of the bytes behind the \(known) that this library knows some are not zero: "
          + "leave members that are newer than the library zero")
    }
  }
  var copy = T()
  withUnsafeMutableBytes(of: &copy) {
    $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: min(size, known)))
  }
  return copy
}

/// Whether a structure of this size may be that of a newer header: sizes are whole multiples of the alignment.
private func isNewer<T: CStructure>(_ size: Int, _: T.Type) -> Bool {
  size > MemoryLayout<T>.size && size <= T.largestSize && size % MemoryLayout<T>.alignment == 0
}

/// A structure that may be left out.
func optionalStructure<T: CStructure>(_ pointer: UnsafePointer<T>?, _ name: String) throws(Failure) -> T? {
  guard let pointer else { return nil }
  return try structure(pointer, name)
}

/// Fills those members of a caller's structure that its header has.
func fill<T: CStructure>(
  _ pointer: UnsafeMutablePointer<T>?, _ name: String, _ body: (inout T) throws(Failure) -> Void
) throws(Failure) {
  let target = try required(pointer, name)
  var filled = try structure(UnsafePointer(target), name)
  let size = UnsafeRawPointer(target).load(as: Int.self)
  try body(&filled)
  withUnsafeBytes(of: &filled) {
    UnsafeMutableRawBufferPointer(start: target, count: MemoryLayout<T>.size)
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(size)))
  }
}
