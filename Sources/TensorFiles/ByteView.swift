/// Bytes that nobody changes: a part of an array, or of a file that stays open.
///
/// The bytes of a file are read when they are asked for, so that a view of a large file costs no memory.
///
/// **Complexity** views and their parts share what they look at; nothing is copied before `bytes()`.
public struct ByteView: Sendable {
  private enum Source: Sendable {
    case memory([UInt8])
    case file(OpenFile)
  }

  private let source: Source
  private let offset: Int
  /// The number of bytes.
  public let count: Int

  private init(_ source: Source, offset: Int, count: Int) {
    self.source = source
    self.offset = offset
    self.count = count
  }

  /// The bytes of an array.
  public init(_ bytes: [UInt8] = []) {
    self.init(.memory(bytes), offset: 0, count: bytes.count)
  }

  /// The bytes of a regular file, which stays open as long as the view or a part of it lives.
  ///
  /// The file is not mapped: another program that shortens it meanwhile cannot crash this one, and one that renames a new
  /// file to its name leaves the view as it was.
  ///
  /// **Throws** `FileError` for files that are missing, unreadable, or not regular files (a directory, a device).
  public init(ofFile path: String) throws(FileError) {
    self.init(try OpenFile(path))
  }

  /// The bytes of an open file.
  init(_ file: OpenFile) {
    self.init(.file(file), offset: 0, count: file.count)
  }

  /// A part of the bytes.
  ///
  /// **Traps** where the range is outside the view.
  public subscript(range: Range<Int>) -> ByteView {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count, "bytes \(range) of a view of \(count)")
    return ByteView(source, offset: offset + range.lowerBound, count: range.count)
  }

  /// Whether the bytes lie in memory, so that reading them cannot fail.
  public var isInMemory: Bool {
    switch source {
    case .memory: true
    case .file: false
    }
  }

  /// The bytes, where they lie in memory.
  public var bytesInMemory: [UInt8]? {
    guard case .memory(let bytes) = source else { return nil }
    return offset == 0 && count == bytes.count ? bytes : Array(bytes[offset..<(offset + count)])
  }

  /// The bytes.
  ///
  /// **Throws** `FileError` where a file cannot be read, or has been written to since it was opened.
  ///
  /// **Complexity** one copy of the bytes; none of a whole array.
  public func bytes() throws(FileError) -> [UInt8] {
    switch source {
    case .memory: bytesInMemory ?? []
    case .file(let file): try file.read(offset..<(offset + count))
    }
  }

  /// Lends the bytes from front to back in pieces of 256 KiB, the last one shorter.
  ///
  /// **Throws** `FileError` as `bytes()` does, and what `body` throws.
  public func forEachChunk(_ body: (_ bytes: [UInt8]) throws(FileError) -> Void) throws(FileError) {
    var start = 0
    while start < count {
      let end = min(count, start + Self.chunk)
      try body(try self[start..<end].bytes())
      start = end
    }
  }

  /// A multiple of the size of every element type, so that no element lies across two chunks.
  static var chunk: Int { 1 << 18 }
}

extension ByteView: Equatable {
  /// Whether the bytes are the same; false where a file cannot be read.
  ///
  /// **Complexity** nothing is read where both look at the same place or differ in number.
  public static func == (a: ByteView, b: ByteView) -> Bool {
    guard a.count == b.count else { return false }
    if case .file(let first) = a.source, case .file(let second) = b.source, first === second,
      a.offset == b.offset
    {
      return true
    }
    var start = 0
    while start < a.count {
      let range = start..<min(a.count, start + chunk)
      guard let x = try? a[range].bytes(), let y = try? b[range].bytes(), x == y else { return false }
      start = range.upperBound
    }
    return true
  }
}
