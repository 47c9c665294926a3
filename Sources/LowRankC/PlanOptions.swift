internal import CLowRank
internal import Conv

/// `lowrank_plan_options`, checked.
struct PlanOptions {
  var run = ConvolutionOptions()
  var activation = Activation.none

  init(_ pointer: UnsafePointer<lowrank_plan_options>?) throws(Failure) {
    guard let given = try optionalStructure(pointer, "options") else { return }
    switch given.backend {
    case LOWRANK_BACKEND_AUTOMATIC: run.backend = .automatic
    case LOWRANK_BACKEND_BLAS: run.backend = .blas
    default: throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no backend \(given.backend.rawValue)")
    }
    switch given.winograd {
    case LOWRANK_WINOGRAD_AUTOMATIC: run.winograd = .automatic
    case LOWRANK_WINOGRAD_OFF: run.winograd = .off
    case LOWRANK_WINOGRAD_2X2: run.winograd = .tile(2)
    case LOWRANK_WINOGRAD_4X4: run.winograd = .tile(4)
    case LOWRANK_WINOGRAD_5X5: run.winograd = .tile(5)
    default: throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no Winograd choice \(given.winograd.rawValue)")
    }
    run.threads = max(1, try number(given.threads, in: 0...64, "options->threads"))
    activation = try Self.activation(given)
  }

  private static func activation(_ given: lowrank_plan_options) throws(Failure) -> Activation {
    switch given.activation {
    case LOWRANK_NO_ACTIVATION: return .none
    case LOWRANK_RELU: return .relu
    case LOWRANK_CLIP:
      do throws(ConvError) {
        return try .bounds(low: given.clip_low, high: given.clip_high)
      } catch {
        throw Failure(error)
      }
    default: throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no activation \(given.activation.rawValue)")
    }
  }
}
