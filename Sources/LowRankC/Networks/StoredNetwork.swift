internal import CLowRank
internal import ModelGraph
internal import Network

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// What a `lowrank_network` handle stands for.
final class NetworkObject: Sendable {
  let network: Network
  let inputs: [StoredValue]
  let outputs: [StoredValue]

  init(_ network: Network) {
    self.network = network
    inputs = network.inputs.map(StoredValue.init)
    outputs = network.outputs.map(StoredValue.init)
  }

  static func of(_ handle: OpaquePointer?) throws(Failure) -> NetworkObject {
    try HandleTable.object(handle, "network")
  }
}

/// What a model says of an input or output, its name as C has it.
final class StoredValue: @unchecked Sendable {
  // Sendable because nobody writes to the text.
  private let info: ValueInfo
  private let name: UnsafeMutablePointer<CChar>?

  init(_ info: ValueInfo) {
    self.info = info
    name = strdup(info.name)
  }

  deinit { free(name) }

  /// What `lowrank_network_get_value` tells.
  func fill(_ filled: inout lowrank_value_info) {
    let extents = info.extents.flatMap { $0.count <= Int(LOWRANK_MAX_ORDER) ? $0 : nil }
    filled.name = UnsafePointer(name)
    filled.type = lowrank_type(info.dataType)
    filled.order = extents.map { Int32($0.count) } ?? -1
    let rest = [Int](repeating: 0, count: Int(LOWRANK_MAX_ORDER))
    write((extents ?? []).map { $0 ?? -1 } + rest, to: &filled.shape)
  }
}
