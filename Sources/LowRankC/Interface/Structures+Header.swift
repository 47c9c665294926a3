internal import CLowRank

// The members that the structures of the header may end with, in order; new ones go to the end. The first of each list is
// the first behind `struct_size`, but for a geometry, which is none without its input, a stage, without its weights, and an
// array, without its elements.

extension lowrank_system_info: CStructure {
  static let ends = [
    end(\.version), end(\.architecture), end(\.kernels), end(\.blas_core), end(\.blas), end(\.blas_threads),
    end(\.reserved),
  ]
}

extension lowrank_decompose_options: CStructure {
  static let ends = [end(\.tucker2_algorithm), end(\.cp_iterations), end(\.cp_tolerance), end(\.cp_seed)]
}

extension lowrank_decomposition_info: CStructure {
  static let ends = [
    end(\.method), end(\.type), end(\.kernel_order), end(\.rank_count), end(\.kernel_shape), end(\.ranks),
    end(\.factor_count), end(\.stage_count), end(\.weight_count), end(\.relative_error), end(\.error_bound),
    end(\.sweeps), end(\.converged), end(\.sensitivity),
  ]
}

extension lowrank_tensor_info: CStructure {
  static let ends = [end(\.name), end(\.order), end(\.groups), end(\.shape), end(\.count)]
}

extension lowrank_geometry: CStructure {
  static let ends = [
    end(\.input), end(\.stride), end(\.dilation), end(\.padding_before), end(\.padding_after),
  ]
}

extension lowrank_plan_options: CStructure {
  static let ends = [
    end(\.backend), end(\.winograd), end(\.activation), end(\.threads), end(\.clip_low), end(\.clip_high),
    end(\.alpha), end(\.beta), end(\.slopes), end(\.slope_count), end(\.input_layout), end(\.output_layout),
    end(\.input_stride), end(\.input_image_stride), end(\.output_stride), end(\.output_image_stride),
  ]
}

extension lowrank_stage: CStructure {
  static let ends = [
    end(\.weight_count), end(\.bias), end(\.bias_count), end(\.stride), end(\.dilation),
    end(\.padding_before), end(\.padding_after), end(\.activation), end(\.reserved), end(\.clip_low),
    end(\.clip_high), end(\.alpha), end(\.beta), end(\.slopes), end(\.slope_count),
  ]
}

extension lowrank_plan_info: CStructure {
  static let ends = [
    end(\.type), end(\.order), end(\.input_shape), end(\.output_shape), end(\.input_count),
    end(\.output_count),
    end(\.workspace_bytes), end(\.multiplies), end(\.stage_count), end(\.threads),
  ]
}

extension lowrank_model_options: CStructure {
  static let ends = [
    end(\.method), end(\.criterion), end(\.criterion_value), end(\.rank_multiple), end(\.threads),
    end(\.layers),
    end(\.skip), end(\.input_shapes), end(\.input_shape_count), end(\.keep_batch_norm), end(\.progress),
    end(\.progress_context), end(\.weights), end(\.time_run), end(\.samples), end(\.min_agreement),
  ]
}

extension lowrank_network_options: CStructure {
  static let ends = [end(\.threads), end(\.winograd), end(\.memory_limit)]
}

extension lowrank_network_info: CStructure {
  static let ends = [end(\.input_count), end(\.output_count), end(\.weight_bytes)]
}

extension lowrank_value_info: CStructure {
  static let ends = [end(\.name), end(\.type), end(\.order), end(\.shape)]
}

extension lowrank_array: CStructure {
  static let ends = [end(\.count)]
}
