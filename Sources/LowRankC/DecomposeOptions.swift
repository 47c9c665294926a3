internal import CLowRank
internal import Decompose

/// `lowrank_decompose_options`, checked.
struct DecomposeOptions {
  var algorithm = Tucker2Algorithm.hooi
  var cp = CPOptions()

  init(_ pointer: UnsafePointer<lowrank_decompose_options>?) throws(Failure) {
    guard let given = try optionalStructure(pointer, "options") else { return }
    switch given.tucker2_algorithm {
    case LOWRANK_HOOI: algorithm = .hooi
    case LOWRANK_ST_HOSVD: algorithm = .stHOSVD
    case LOWRANK_HOSVD: algorithm = .hosvd
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
