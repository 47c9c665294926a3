internal import CLowRank
internal import Synchronization

/// What the handles of the C interface stand for.
///
/// A handle is a name that was never an address: the table finds its object, or nothing where the handle was destroyed
/// or never given out. A call holds its object until it ends, so that another thread may destroy the handle meanwhile.
struct HandleTable: Sendable {
  private static let state = Mutex(HandleTable())

  private var objects: [UInt: any AnyObject & Sendable] = [:]
  private var last: UInt = 0

  /// The upper bits of every handle: no address of a process begins with them.
  private static var tag: UInt { 0x1D70 << UInt(UInt.bitWidth - 16) }
  private static var numbers: UInt { UInt.max >> 16 }

  /// The number of handles that are not destroyed.
  static var count: Int { state.withLock { $0.objects.count } }

  /// A new handle for an object.
  static func insert(_ object: any AnyObject & Sendable) -> OpaquePointer? {
    let name = state.withLock { table in
      repeat {
        table.last = table.last & numbers &+ 1
      } while table.objects[tag | table.last & numbers] != nil
      let name = tag | table.last & numbers
      table.objects[name] = object
      return name
    }
    return OpaquePointer(bitPattern: name)
  }

  /// The object of a handle; `T` is its class, or a protocol of those of one kind.
  static func object<T>(
    _ handle: OpaquePointer?, _ kind: String, as: T.Type = T.self
  ) throws(Failure) -> T {
    let name = UInt(bitPattern: handle)
    let object = state.withLock { $0.objects[name] }
    guard let object = object as? T else { throw badHandle(handle, kind) }
    return object
  }

  /// Takes a handle out of the table; null is let through.
  static func remove<T>(
    _ handle: OpaquePointer?, _ kind: String, as: T.Type
  ) throws(Failure) {
    guard let handle else { return }
    let name = UInt(bitPattern: handle)
    // The object itself goes outside of the lock.
    let object = state.withLock { table -> (any AnyObject & Sendable)? in
      guard table.objects[name] is T else { return nil }
      return table.objects.removeValue(forKey: name)
    }
    guard object != nil else { throw badHandle(handle, kind) }
  }

  private static func badHandle(_ handle: OpaquePointer?, _ kind: String) -> Failure {
    guard handle != nil else { return Failure(LOWRANK_BAD_HANDLE, "the \(kind) is null") }
    return Failure(LOWRANK_BAD_HANDLE, "the \(kind) is destroyed, or was never one")
  }
}
