public import CLowRank
internal import Decompose
internal import Tensors

/// `lowrank_decomposition_get_info`
#if compiler(>=6.3)
  @c(lowrank_decomposition_get_info)
#else
  @_cdecl("lowrank_decomposition_get_info")
#endif
public func decompositionGetInfo(
  _ decomposition: OpaquePointer?, _ info: UnsafeMutablePointer<lowrank_decomposition_info>?
) -> lowrank_status {
  guarded("lowrank_decomposition_get_info") { () throws(Failure) in
    try fill(info, "info") { filled throws(Failure) in
      try decompositionObject(decomposition).fill(&filled)
    }
  }
}

/// `lowrank_decomposition_get_tensor`
#if compiler(>=6.3)
  @c(lowrank_decomposition_get_tensor)
#else
  @_cdecl("lowrank_decomposition_get_tensor")
#endif
public func decompositionGetTensor(
  _ decomposition: OpaquePointer?, _ part: lowrank_part, _ index: Int32,
  _ info: UnsafeMutablePointer<lowrank_tensor_info>?
) -> lowrank_status {
  guarded("lowrank_decomposition_get_tensor") { () throws(Failure) in
    try fill(info, "info") { filled throws(Failure) in
      let (name, groups, shape) = try decompositionObject(decomposition).description(part, index)
      write(name, to: &filled.name)
      filled.order = Int32(shape.order)
      filled.groups = Int32(groups)
      write(shape.extents + [Int](repeating: 0, count: Int(LOWRANK_MAX_ORDER)), to: &filled.shape)
      filled.count = Int64(shape.count)
    }
  }
}

private func copy<Element: CScalar>(
  _ decomposition: OpaquePointer?, _ part: lowrank_part, _ index: Int32,
  _ elements: UnsafeMutablePointer<Element>?, _ count: Int
) -> lowrank_status {
  guarded("lowrank_decomposition_copy_\(Element.suffix)") { () throws(Failure) in
    let tensor = try decompositionObject(decomposition).tensor(part, index, as: Element.self)
    try tensor.copy(to: elements, count: count, "elements")
  }
}

/// `lowrank_decomposition_copy_f32`
#if compiler(>=6.3)
  @c(lowrank_decomposition_copy_f32)
#else
  @_cdecl("lowrank_decomposition_copy_f32")
#endif
public func decompositionCopyF32(
  _ decomposition: OpaquePointer?, _ part: lowrank_part, _ index: Int32,
  _ elements: UnsafeMutablePointer<Float>?, _ count: Int
) -> lowrank_status {
  copy(decomposition, part, index, elements, count)
}

/// `lowrank_decomposition_copy_f64`
#if compiler(>=6.3)
  @c(lowrank_decomposition_copy_f64)
#else
  @_cdecl("lowrank_decomposition_copy_f64")
#endif
public func decompositionCopyF64(
  _ decomposition: OpaquePointer?, _ part: lowrank_part, _ index: Int32,
  _ elements: UnsafeMutablePointer<Double>?, _ count: Int
) -> lowrank_status {
  copy(decomposition, part, index, elements, count)
}

private func reconstruct<Element: CScalar>(
  _ decomposition: OpaquePointer?, _ elements: UnsafeMutablePointer<Element>?, _ count: Int
) -> lowrank_status {
  guarded("lowrank_decomposition_reconstruct_\(Element.suffix)") { () throws(Failure) in
    let factors = try decompositionObject(decomposition).kernel(as: Element.self)
    // Before the work: the buffer must be there and large enough.
    _ = try buffer(elements, count: count, "kernel")
    try requireCount(count, factors.kernelShape.count, "kernel")
    try Limits.requireMemory(
      Double(4 * MemoryLayout<Element>.stride) * Double(count), for: "a kernel of \(factors.kernelShape)")
    try factors.reconstructed().copy(to: elements, count: count, "kernel")
  }
}

/// `lowrank_decomposition_reconstruct_f32`
#if compiler(>=6.3)
  @c(lowrank_decomposition_reconstruct_f32)
#else
  @_cdecl("lowrank_decomposition_reconstruct_f32")
#endif
public func decompositionReconstructF32(
  _ decomposition: OpaquePointer?, _ kernel: UnsafeMutablePointer<Float>?, _ count: Int
) -> lowrank_status {
  reconstruct(decomposition, kernel, count)
}

/// `lowrank_decomposition_reconstruct_f64`
#if compiler(>=6.3)
  @c(lowrank_decomposition_reconstruct_f64)
#else
  @_cdecl("lowrank_decomposition_reconstruct_f64")
#endif
public func decompositionReconstructF64(
  _ decomposition: OpaquePointer?, _ kernel: UnsafeMutablePointer<Double>?, _ count: Int
) -> lowrank_status {
  reconstruct(decomposition, kernel, count)
}

/// `lowrank_decomposition_destroy`
#if compiler(>=6.3)
  @c(lowrank_decomposition_destroy)
#else
  @_cdecl("lowrank_decomposition_destroy")
#endif
public func decompositionDestroy(_ decomposition: OpaquePointer?) -> lowrank_status {
  guarded("lowrank_decomposition_destroy") { () throws(Failure) in
    try HandleTable.remove(decomposition, "decomposition", as: (any DecompositionObject).self)
  }
}
