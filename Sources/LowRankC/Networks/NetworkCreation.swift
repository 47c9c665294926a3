public import CLowRank
internal import Conv
internal import ModelGraph
internal import Network
internal import ONNX
internal import TensorFiles

extension NetworkOptions {
  /// `lowrank_network_options`, checked.
  fileprivate init(_ pointer: UnsafePointer<lowrank_network_options>?) throws(Failure) {
    self.init()
    guard let given = try optionalStructure(pointer, "options") else { return }
    threads = max(1, try number(given.threads, in: 0...64, "options->threads"))
    winograd = try ConvolutionOptions.Winograd(given.winograd)
    let limit = try number(given.memory_limit, in: 0...Limits.map, "options->memory_limit")
    if limit > 0 { memoryLimit = limit }
  }
}

private func makeNetwork(_ model: ModelGraph, _ options: NetworkOptions) throws(Failure) -> OpaquePointer? {
  // A float and its packed copy, of up to twice the size with a Winograd form, for each weight.
  let weights = model.main.constants.reduce(0.0) { $0 + Double($1.byteCount ?? 0) }
  try Limits.requireMemory(4 * weights, for: "the network")
  do throws(NetworkError) {
    return HandleTable.insert(NetworkObject(try Network(model, options: options)))
  } catch { throw Failure(error) }
}

/// `lowrank_network_open`
#if compiler(>=6.3)
  @c(lowrank_network_open)
#else
  @_cdecl("lowrank_network_open")
#endif
public func networkOpen(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<lowrank_network_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  guarded("lowrank_network_open") { () throws(Failure) in
    let result = try required(result, "result")
    let path = try text(path, atMost: 4095, "path")
    let options = try NetworkOptions(options)
    result.pointee = try makeNetwork(try readModel(path), options)
  }
}

/// `lowrank_network_create`
#if compiler(>=6.3)
  @c(lowrank_network_create)
#else
  @_cdecl("lowrank_network_create")
#endif
public func networkCreate(
  _ bytes: UnsafeRawPointer?, _ byteCount: Int, _ options: UnsafePointer<lowrank_network_options>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> lowrank_status {
  guarded("lowrank_network_create") { () throws(Failure) in
    let result = try required(result, "result")
    let options = try NetworkOptions(options)
    let source = try buffer(bytes?.assumingMemoryBound(to: UInt8.self), count: byteCount, "bytes")
    try Limits.requireMemory(Double(byteCount), for: "the model")
    let model: ModelGraph
    do throws(ModelError) {
      model = try ModelGraph(onnx: ByteView(Array(source)), path: "the model in memory")
    } catch { throw Failure(error) }
    result.pointee = try makeNetwork(model, options)
  }
}

/// `lowrank_network_destroy`
#if compiler(>=6.3)
  @c(lowrank_network_destroy)
#else
  @_cdecl("lowrank_network_destroy")
#endif
public func networkDestroy(_ network: OpaquePointer?) -> lowrank_status {
  guarded("lowrank_network_destroy") { () throws(Failure) in
    try HandleTable.remove(network, "network", as: NetworkObject.self)
  }
}
