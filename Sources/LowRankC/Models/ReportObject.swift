public import CLowRank
internal import Reports

/// What a `lowrank_report` handle stands for: a text in JSON.
final class ReportObject: Sendable {
  let utf8: [UInt8]

  /// Encodes as the command's `--json` does: indented, with sorted keys.
  init(_ report: some Encodable) throws(Failure) {
    do { utf8 = [UInt8](try jsonText(report).utf8) } catch {
      throw Failure(LOWRANK_INTERNAL, "the report cannot be written as JSON: \(error)")
    }
  }
}

/// `lowrank_report_copy`
#if compiler(>=6.3)
  @c(lowrank_report_copy)
#else
  @_cdecl("lowrank_report_copy")
#endif
public func reportCopy(
  _ report: OpaquePointer?, _ target: UnsafeMutablePointer<CChar>?, _ capacity: Int,
  _ length: UnsafeMutablePointer<Int>?
) -> lowrank_status {
  guarded("lowrank_report_copy") { () throws(Failure) in
    let text = try HandleTable.object(report, "report", as: ReportObject.self).utf8
    let length = length == nil ? nil : try required(length, "length")
    if target == nil && capacity == 0 {
      length?.pointee = text.count
      return
    }
    let room = try buffer(target, count: capacity, "buffer")
    if let length, let base = room.baseAddress {
      let whole = try ByteRange(UnsafeRawPointer(base), count: capacity, stride: 1, "buffer")
      try whole.requireApart(
        from: try ByteRange(UnsafeRawPointer(length), count: 1, stride: MemoryLayout<Int>.stride, "length"))
    }
    length?.pointee = text.count
    guard capacity > text.count else {
      throw Failure(
        LOWRANK_SIZE_MISMATCH, "a buffer of \(capacity) bytes for a report of \(text.count) and a zero")
    }
    for (index, byte) in text.enumerated() { room[index] = CChar(bitPattern: byte) }
    room[text.count] = 0
  }
}

/// `lowrank_report_destroy`
#if compiler(>=6.3)
  @c(lowrank_report_destroy)
#else
  @_cdecl("lowrank_report_destroy")
#endif
public func reportDestroy(_ report: OpaquePointer?) -> lowrank_status {
  guarded("lowrank_report_destroy") { () throws(Failure) in
    try HandleTable.remove(report, "report", as: ReportObject.self)
  }
}
