import CLowRank
import LowRankC
import TestSupport
import Testing

/// Structures of older and newer headers are understood: they may end behind any member from the least size on, and go on
/// with zeros.
@Suite struct StructureSizeTests {
  /// Where the members of a structure end, by the rules of C.
  private func ends<T>(_ structure: T) -> [Int] {
    func place<V>(_ value: V, after end: Int) -> Int {
      let alignment = MemoryLayout<V>.alignment
      return (end + alignment - 1) / alignment * alignment + MemoryLayout<V>.size
    }
    return Mirror(reflecting: structure).children.reduce(into: []) { ends, child in
      ends.append(place(child.value, after: ends.last ?? 0))
    }
  }

  /// Calls with every size up to twice that of the structure, all bytes behind the size filled with rubbish; `set` fills the
  /// members that must be set. Bytes behind the size must stay as they are.
  private func check<T>(
    _ whole: T, least: Int, _ location: SourceLocation = #_sourceLocation,
    _ call: (UnsafeMutablePointer<T>) throws -> lowrank_status
  ) throws {
    let ends = ends(whole)
    let size = MemoryLayout<T>.size
    #expect(ends.last == size && ends.contains(least), sourceLocation: location)
    let room = 8192
    let memory = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 16)
    defer { memory.deallocate() }
    func status(_ structSize: Int, surplus: UInt8 = 0) throws -> lowrank_status {
      memory.initializeMemory(as: UInt8.self, repeating: 0xA5, count: room)
      memory.initializeMemory(as: T.self, repeating: whole, count: 1)
      memory.storeBytes(of: structSize, as: Int.self)
      if structSize < size {
        (memory + max(8, structSize)).initializeMemory(
          as: UInt8.self, repeating: 0xA5, count: size - max(8, structSize))
      } else if structSize > size && structSize <= room {
        (memory + size).initializeMemory(as: UInt8.self, repeating: 0, count: structSize - size)
        (memory + structSize - 1).storeBytes(of: surplus, as: UInt8.self)
      }
      let status = try call(memory.assumingMemoryBound(to: T.self))
      let end = max(8, min(max(0, structSize), room))
      let rest = UnsafeRawBufferPointer(start: memory + end, count: room - end)
      #expect(rest.allSatisfy { $0 == 0xA5 }, "\(structSize) bytes: written behind", sourceLocation: location)
      #expect(memory.load(as: Int.self) == structSize, sourceLocation: location)
      return status
    }
    for structSize in 0...(2 * size) {
      let isKnown = structSize >= least && ends.contains(structSize)
      let isNewer = structSize > size && structSize % MemoryLayout<T>.alignment == 0
      let wanted = isKnown || isNewer ? LOWRANK_OK : LOWRANK_INVALID_ARGUMENT
      #expect(try status(structSize) == wanted, "\(T.self) of \(structSize) bytes", sourceLocation: location)
    }
    for structSize in [size + 8, 2 * size, 4096] {
      #expect(try status(structSize) == LOWRANK_OK, "\(structSize)", sourceLocation: location)
      #expect(
        try status(structSize, surplus: 1) == LOWRANK_INVALID_ARGUMENT, "\(structSize)",
        sourceLocation: location)
      #expect(String(cString: lowrank_last_error()).contains("struct_size is \(structSize)"))
    }
    for structSize in [4104, 1 << 40, Int.max, -8, Int.min] {
      #expect(try status(structSize) == LOWRANK_INVALID_ARGUMENT, "\(structSize)", sourceLocation: location)
    }
  }

  private let kernel = randomTensor([8, 6, 3, 3], seed: 21)

  private func factored() throws -> OpaquePointer? {
    var handle: OpaquePointer?
    try require(
      decomposeF32(
        LOWRANK_TUCKER2, kernel.elements, kernel.count, [8, 6, 3, 3], 4, [4, 3], 2, nil, &handle))
    return handle
  }

  @Test func optionsOfDecompositions() throws {
    try check(lowrank_decompose_options(), least: 12) { options in
      var handle: OpaquePointer?
      let status = decomposeF32(
        LOWRANK_CP3, kernel.elements, kernel.count, [8, 6, 3, 3], 4, [2], 1, options, &handle)
      _ = decompositionDestroy(handle)
      return status
    }
  }

  @Test func informationOnDecompositions() throws {
    let handle = try factored()
    defer { _ = decompositionDestroy(handle) }
    try check(lowrank_decomposition_info(), least: 12) { decompositionGetInfo(handle, $0) }
    try check(lowrank_tensor_info(), least: 24) { decompositionGetTensor(handle, LOWRANK_STAGE, 1, $0) }
    // What an older header knows is filled as ever.
    var (old, new) = (lowrank_tensor_info(), lowrank_tensor_info())
    old.struct_size = 32
    new.struct_size = MemoryLayout<lowrank_tensor_info>.size
    old.count = -1
    try require(decompositionGetTensor(handle, LOWRANK_STAGE, 1, &old))
    try require(decompositionGetTensor(handle, LOWRANK_STAGE, 1, &new))
    #expect(old.order == new.order && old.groups == new.groups && old.count == -1 && new.count == 9 * 4 * 3)
  }

  @Test func geometriesAndOptionsOfPlans() throws {
    let given = paddedGeometry([9, 7])
    try check(given, least: 72) { geometry in
      var plan: OpaquePointer?
      let status = planCreateF32(
        geometry, kernel.elements, kernel.count, [8, 6, 3, 3], 4, nil, 0, nil, &plan)
      _ = planDestroy(plan)
      return status
    }
    try check(lowrank_plan_options(), least: 12) { options in
      var (geometry, plan): (lowrank_geometry, OpaquePointer?) = (given, nil)
      let status = planCreateF32(
        &geometry, kernel.elements, kernel.count, [8, 6, 3, 3], 4, nil, 0, options, &plan)
      _ = planDestroy(plan)
      return status
    }
  }

  @Test func stagesOfChains() throws {
    var stage = lowrank_stage()
    stage.order = 2
    (stage.shape.0, stage.shape.1, stage.weight_count) = (3, 4, 12)
    let weights = randomTensor([3, 4], seed: 23).elements
    try weights.withUnsafeBytes { weights in
      stage.weights = weights.baseAddress
      try check(stage, least: 96) { stage in
        var plan: OpaquePointer?
        let status = planCreateChainF32([UnsafePointer(stage)], 1, 0, nil, 0, nil, &plan)
        _ = planDestroy(plan)
        return status
      }
    }
  }

  /// Members that an older header lacks have their defaults, whatever lies there.
  @Test func whatIsMissingHasItsDefault() throws {
    var geometry = paddedGeometry([9, 7], stride: 2)
    // Behind `input`, without strides and paddings.
    geometry.struct_size = 72
    var options = lowrank_plan_options()
    options.struct_size = 20
    options.activation = LOWRANK_RELU
    options.threads = 1000
    var plan: OpaquePointer?
    try require(
      planCreateF32(&geometry, kernel.elements, kernel.count, [8, 6, 3, 3], 4, nil, 0, &options, &plan))
    defer { _ = planDestroy(plan) }
    let info = try information(plan)
    #expect(info.output_count == 8 * 7 * 5)
    let output = try run(plan, randomTensor([1, 6, 9, 7], seed: 22))
    #expect(output.allSatisfy { $0 >= 0 } && output.contains { $0 > 0 })
  }

  @Test func informationOnPlansAndTheSystem() throws {
    var (geometry, plan): (lowrank_geometry, OpaquePointer?) = (paddedGeometry([9, 7]), nil)
    try require(
      planCreateF32(&geometry, kernel.elements, kernel.count, [8, 6, 3, 3], 4, nil, 0, nil, &plan))
    defer { _ = planDestroy(plan) }
    try check(lowrank_plan_info(), least: 12) { planGetInfo(plan, $0) }
    try check(lowrank_system_info(), least: 24) { system($0) }
  }

  @Test func structuresOfNetworks() throws {
    let path = Vectors.example("mnist.onnx")
    try check(lowrank_network_options(), least: 12) { options in
      var network: OpaquePointer?
      let status = networkOpen(path, options, &network)
      _ = networkDestroy(network)
      return status
    }
    let session = try CSession(path: path)
    try check(lowrank_network_info(), least: 12) { networkGetInfo(session.network, $0) }
    try check(lowrank_value_info(), least: 16) { networkGetValue(session.network, LOWRANK_INPUT, 0, $0) }
    let image = CArray(randomTensor([1, 1, 28, 28], seed: 24))
    try session.withArrays([image], outputs: []) { inputs, _ in
      try check(lowrank_array(), least: 104) { output in
        sessionRun(session.session, inputs, 1, [output], 1)
      }
    }
  }

  @Test func optionsOfModels() throws {
    // A file that is missing: options are looked at before it, and a model is slow to inspect.
    try check(lowrank_model_options(), least: 12) { options in
      var report: OpaquePointer?
      let status = modelInspect("none/none", options, &report)
      return status == LOWRANK_BAD_FILE ? LOWRANK_OK : status
    }
  }
}
