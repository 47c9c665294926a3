internal import CLowRank
internal import Conv

extension ConvolutionOptions {
  /// `lowrank_plan_options`, checked.
  init(_ pointer: UnsafePointer<lowrank_plan_options>?) throws(Failure) {
    self.init()
    guard let given = try optionalStructure(pointer, "options") else { return }
    switch given.backend {
    case LOWRANK_BACKEND_AUTOMATIC: backend = .automatic
    case LOWRANK_BACKEND_BLAS: backend = .blas
    default: throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no backend \(given.backend.rawValue)")
    }
    switch given.winograd {
    case LOWRANK_WINOGRAD_AUTOMATIC: winograd = .automatic
    case LOWRANK_WINOGRAD_OFF: winograd = .off
    case LOWRANK_WINOGRAD_2X2: winograd = .two
    case LOWRANK_WINOGRAD_4X4: winograd = .four
    default: throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no Winograd choice \(given.winograd.rawValue)")
    }
    threads = max(1, try number(given.threads, in: 0...64, "options->threads"))
    _ = try number(given.reserved, in: 0...0, "options->reserved")
  }
}
