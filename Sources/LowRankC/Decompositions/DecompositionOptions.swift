internal import CLowRank
internal import Decompose

extension DecompositionOptions {
  /// `lowrank_decompose_options`, checked.
  init(_ pointer: UnsafePointer<lowrank_decompose_options>?) throws(Failure) {
    self.init()
    guard let given = try optionalStructure(pointer, "options") else { return }
    switch given.tucker2_algorithm {
    case LOWRANK_HOOI: tucker2 = .hooi
    case LOWRANK_ST_HOSVD: tucker2 = .stHOSVD
    case LOWRANK_HOSVD: tucker2 = .hosvd
    default:
      throw Failure(
        LOWRANK_INVALID_ARGUMENT, "there is no Tucker-2 algorithm \(given.tucker2_algorithm.rawValue)")
    }
    let iterations = try number(given.cp_iterations, in: 0...100_000, "options->cp_iterations")
    guard given.cp_tolerance >= 0, given.cp_tolerance < 1 else {
      throw Failure(
        LOWRANK_INVALID_ARGUMENT, "options->cp_tolerance is \(given.cp_tolerance), not 0 to 1")
    }
    if iterations > 0 { cp.iterations = iterations }
    if given.cp_tolerance > 0 { cp.tolerance = given.cp_tolerance }
    if given.cp_seed > 0 { cp.seed = given.cp_seed }
  }
}
