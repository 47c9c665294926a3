public import CLowRank
internal import Network

/// `lowrank_session_create`
#if compiler(>=6.3)
  @c(lowrank_session_create)
#else
  @_cdecl("lowrank_session_create")
#endif
public func sessionCreate(
  _ network: OpaquePointer?, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  guarded("lowrank_session_create") { () throws(Failure) in
    let result = try required(result, "result")
    result.pointee = HandleTable.insert(SessionObject(try NetworkObject.of(network).network))
  }
}

/// `lowrank_session_run`
#if compiler(>=6.3)
  @c(lowrank_session_run)
#else
  @_cdecl("lowrank_session_run")
#endif
public func sessionRun(
  _ session: OpaquePointer?, _ inputs: UnsafePointer<UnsafePointer<lowrank_array>?>?, _ inputCount: Int32,
  _ outputs: UnsafePointer<UnsafeMutablePointer<lowrank_array>?>?, _ outputCount: Int32
) -> lowrank_status {
  guarded("lowrank_session_run") { () throws(Failure) in
    let session = try SessionObject.of(session)
    try session.run(try NetworkCall(inputs, inputCount, outputs, outputCount, of: session.network))
  }
}

/// `lowrank_session_copy`
#if compiler(>=6.3)
  @c(lowrank_session_copy)
#else
  @_cdecl("lowrank_session_copy")
#endif
public func sessionCopy(
  _ session: OpaquePointer?, _ index: Int32, _ type: lowrank_type, _ elements: UnsafeMutableRawPointer?,
  _ count: Int
) -> lowrank_status {
  guarded("lowrank_session_copy") { () throws(Failure) in
    try SessionObject.of(session).copy(index, type, elements, count)
  }
}

/// `lowrank_session_destroy`
#if compiler(>=6.3)
  @c(lowrank_session_destroy)
#else
  @_cdecl("lowrank_session_destroy")
#endif
public func sessionDestroy(_ session: OpaquePointer?) -> lowrank_status {
  guarded("lowrank_session_destroy") { () throws(Failure) in
    try HandleTable.remove(session, "session", as: SessionObject.self)
  }
}
