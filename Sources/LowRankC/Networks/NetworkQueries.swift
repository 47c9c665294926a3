public import CLowRank
internal import Network

/// `lowrank_network_get_info`
#if compiler(>=6.3)
  @c(lowrank_network_get_info)
#else
  @_cdecl("lowrank_network_get_info")
#endif
public func networkGetInfo(
  _ network: OpaquePointer?, _ info: UnsafeMutablePointer<lowrank_network_info>?
) -> lowrank_status {
  guarded("lowrank_network_get_info") { () throws(Failure) in
    try fill(info, "info") { filled throws(Failure) in
      let object = try NetworkObject.of(network)
      filled.input_count = Int32(clamping: object.inputs.count)
      filled.output_count = Int32(clamping: object.outputs.count)
      filled.weight_bytes = Int64(object.network.weightByteCount)
    }
  }
}

/// `lowrank_network_get_value`
#if compiler(>=6.3)
  @c(lowrank_network_get_value)
#else
  @_cdecl("lowrank_network_get_value")
#endif
public func networkGetValue(
  _ network: OpaquePointer?, _ direction: lowrank_direction, _ index: Int32,
  _ info: UnsafeMutablePointer<lowrank_value_info>?
) -> lowrank_status {
  guarded("lowrank_network_get_value") { () throws(Failure) in
    try fill(info, "info") { filled throws(Failure) in
      let object = try NetworkObject.of(network)
      let values: [StoredValue]
      switch direction {
      case LOWRANK_INPUT: values = object.inputs
      case LOWRANK_OUTPUT: values = object.outputs
      default: throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no direction \(direction.rawValue)")
      }
      guard index >= 0, index < values.count else {
        throw Failure(LOWRANK_INVALID_ARGUMENT, "index is \(index), of \(values.count) values")
      }
      values[Int(index)].fill(&filled)
    }
  }
}

/// `lowrank_network_get_shapes`
#if compiler(>=6.3)
  @c(lowrank_network_get_shapes)
#else
  @_cdecl("lowrank_network_get_shapes")
#endif
public func networkGetShapes(
  _ network: OpaquePointer?, _ inputs: UnsafePointer<UnsafePointer<lowrank_array>?>?, _ inputCount: Int32,
  _ outputs: UnsafePointer<UnsafeMutablePointer<lowrank_array>?>?, _ outputCount: Int32
) -> lowrank_status {
  guarded("lowrank_network_get_shapes") { () throws(Failure) in
    let network = try NetworkObject.of(network).network
    let call = try NetworkCall(inputs, inputCount, outputs, outputCount, of: network)
    let shapes: [InputShape?]
    do throws(NetworkError) {
      shapes = try network.outputShapes(for: call.key.inputs, outputs: call.key.outputs)
    } catch { throw Failure(error) }
    var descriptions: [OutputArray.Description] = []
    for (array, shape) in zip(call.outputs, shapes) {
      guard let shape else {
        descriptions.append(OutputArray.Description(type: LOWRANK_UNKNOWN_TYPE, extents: nil))
        continue
      }
      descriptions.append(try array.description(of: shape.type, shape.extents))
    }
    for (array, description) in zip(call.outputs, descriptions) { array.tell(description) }
  }
}
