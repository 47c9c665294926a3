import CLowRank
import LowRankC
import ModelGraph
import Tensors
import Testing

/// A tensor as C has it.
struct CArray {
  let type: lowrank_type
  let extents: [Int]
  var bytes: [UInt8]

  init(type: lowrank_type, extents: [Int], bytes: [UInt8]) {
    (self.type, self.extents, self.bytes) = (type, extents, bytes)
  }

  init(_ tensor: Tensor<Float>) {
    self.init(
      type: LOWRANK_FLOAT32, extents: tensor.shape.extents,
      bytes: tensor.elements.withUnsafeBytes { [UInt8]($0) })
  }

  /// A constant of a model, in its own type.
  init(_ constant: Constant) {
    let types: [DataType: lowrank_type] = [
      .float32: LOWRANK_FLOAT32, .float64: LOWRANK_FLOAT64, .int32: LOWRANK_INT32, .int64: LOWRANK_INT64,
      .uint8: LOWRANK_UINT8, .bool: LOWRANK_BOOL,
    ]
    guard case .bytes(let view) = constant.elements, let type = types[constant.type],
      let bytes = try? view.bytes()
    else { preconditionFailure("a constant of \(constant.type)") }
    self.init(type: type, extents: constant.extents, bytes: bytes)
  }

  var count: Int { extents.reduce(1, *) }

  var floats: [Float]? {
    guard type == LOWRANK_FLOAT32 else { return nil }
    return bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }
}

/// A session of its own, with its network, or of somebody else's.
final class CSession {
  private(set) var network: OpaquePointer?
  private(set) var session: OpaquePointer?
  private let ownsNetwork: Bool

  /// Takes a network over.
  init(_ network: OpaquePointer?) throws {
    (self.network, ownsNetwork) = (network, true)
    try require(sessionCreate(network, &session))
  }

  convenience init(path: String) throws {
    var network: OpaquePointer?
    try require(networkOpen(path, nil, &network))
    try self.init(network)
  }

  /// A session of its own of a network that others own.
  init(sharing network: OpaquePointer?) throws {
    ownsNetwork = false
    try require(sessionCreate(network, &session))
    self.network = network
  }

  /// Somebody else's session.
  init(borrowing session: OpaquePointer?) { (self.session, ownsNetwork) = (session, false) }

  deinit {
    guard network != nil else { return }
    _ = sessionDestroy(session)
    if ownsNetwork { _ = networkDestroy(network) }
  }

  /// Lends arrays as C has them; outputs without memory.
  func withArrays<R>(
    _ inputs: [CArray], outputs names: [String?],
    _ body: ([UnsafePointer<lowrank_array>?], [UnsafeMutablePointer<lowrank_array>?]) throws -> R
  ) rethrows -> R {
    var allocated: [UnsafeMutableRawPointer] = []
    defer { for memory in allocated { memory.deallocate() } }
    func memory(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
      let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 16)
      copy.copyMemory(from: bytes, byteCount: bytes.count)
      allocated.append(copy)
      return copy
    }
    func array(_ change: (inout lowrank_array) -> Void) -> UnsafeMutablePointer<lowrank_array> {
      var array = lowrank_array()
      array.struct_size = MemoryLayout<lowrank_array>.size
      change(&array)
      let copy = memory(withUnsafeBytes(of: array) { [UInt8]($0) })
      return copy.assumingMemoryBound(to: lowrank_array.self)
    }
    let given = inputs.map { input in
      UnsafePointer(
        array { array in
          array.type = input.type
          array.order = Int32(input.extents.count)
          withUnsafeMutableBytes(of: &array.shape) { shape in
            for (axis, extent) in input.extents.enumerated() {
              shape.storeBytes(of: Int64(extent), toByteOffset: 8 * axis, as: Int64.self)
            }
          }
          array.elements = memory(input.bytes)
          array.count = input.count
        })
    }
    let wanted = names.map { name in
      array { array in
        guard let name else { return }
        array.name = UnsafePointer(memory(Array(name.utf8) + [0]).assumingMemoryBound(to: CChar.self))
      }
    }
    return try body(given, wanted)
  }

  /// Runs into the caller's memory, in one call: what threads that share a session need.
  func run(_ inputs: [CArray], into output: CArray) throws -> CArray {
    var result = output
    try withArrays(inputs, outputs: [nil]) { inputs, outputs in
      let array = try #require(outputs[0])
      array.pointee.type = output.type
      array.pointee.count = output.count
      try result.bytes.withUnsafeMutableBytes { bytes in
        array.pointee.elements = bytes.baseAddress
        try require(sessionRun(session, inputs, Int32(inputs.count), outputs, 1))
      }
    }
    return result
  }

  /// Runs, then fetches each output in the type that it was told to have: two calls, which others may come between.
  func run(_ inputs: [CArray], outputs names: [String?] = [nil]) throws -> [CArray] {
    try withArrays(inputs, outputs: names) { inputs, outputs in
      try require(sessionRun(session, inputs, Int32(inputs.count), outputs, Int32(outputs.count)))
      return try outputs.enumerated().map { place, output in
        let told = try #require(output?.pointee)
        let extents = withUnsafeBytes(of: told.shape) { shape in
          (0..<Int(told.order)).map { Int(shape.load(fromByteOffset: 8 * $0, as: Int64.self)) }
        }
        let sizes: [lowrank_type: Int] = [
          LOWRANK_FLOAT32: 4, LOWRANK_INT32: 4, LOWRANK_INT64: 8, LOWRANK_BOOL: 1, LOWRANK_UINT8: 1,
        ]
        let size = try #require(sizes[told.type])
        var array = CArray(
          type: told.type, extents: extents, bytes: [UInt8](repeating: 0xA5, count: extents.reduce(size, *)))
        let count = array.count
        try array.bytes.withUnsafeMutableBytes { bytes in
          try require(sessionCopy(session, Int32(place), told.type, bytes.baseAddress, count))
        }
        return array
      }
    }
  }
}

extension lowrank_type: @retroactive Hashable {}
