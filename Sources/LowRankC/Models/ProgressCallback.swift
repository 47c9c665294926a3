internal import CLowRank
internal import Compress
internal import Synchronization

/// The function of a caller that wants to know how far the work on a model is.
struct ProgressCallback: @unchecked Sendable {
  // Sendable because the header says that it is called from other threads, by one at a time.
  private let function: lowrank_progress?
  private let context: UnsafeMutableRawPointer?
  private static let turn = Mutex(())

  /// The callback of options, which have been checked; none without them.
  init(_ pointer: UnsafePointer<lowrank_model_options>?) throws(Failure) {
    let given = try optionalStructure(pointer, "options")
    (function, context) = (given?.progress, given?.progress_context)
  }

  /// Tells the caller of a layer that is done.
  func callAsFunction(_ progress: Progress) {
    guard let function, progress.done > 0 else { return }
    Self.turn.withLock { _ in
      progress.layer.withCString { layer in
        function(context, layer, Int64(progress.done), Int64(progress.total))
      }
    }
  }
}
