internal import CLowRank
internal import Compress

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension CompressionOptions {
  /// `lowrank_model_options`, checked.
  init(_ pointer: UnsafePointer<lowrank_model_options>?) throws(Failure) {
    self.init()
    threads = ProcessInfo.processInfo.activeProcessorCount
    guard let given = try optionalStructure(pointer, "options") else { return }
    method = try Self.method(given.method)
    budget = try Self.budget(given.criterion, given.criterion_value)
    weights = try Self.weights(given.weights)
    if budget == nil, try Self.latency(given.criterion, given.criterion_value) == nil {
      criterion = try Self.criterion(given.criterion, given.criterion_value)
    }
    let multiple = try number(given.rank_multiple, in: 0...65536, "options->rank_multiple")
    if multiple > 0 { rankMultiple = multiple }
    let wanted = try number(given.threads, in: 0...1024, "options->threads")
    if wanted > 0 { threads = wanted }
    if let pattern = given.layers { layers = try text(pattern, "options->layers") }
    if let pattern = given.skip { skip = try text(pattern, "options->skip") }
    foldsBatchNormalization = try number(given.keep_batch_norm, in: 0...1, "options->keep_batch_norm") == 0
    let count = try number(given.input_shape_count, in: 0...1024, "options->input_shape_count")
    guard count > 0 else { return }
    for entry in try buffer(given.input_shapes, count: count, "options->input_shapes") {
      let (name, extents) = try Self.inputShape(try text(entry, "an entry of options->input_shapes"))
      guard inputShapes.updateValue(extents, forKey: name) == nil else {
        throw Failure(LOWRANK_INVALID_ARGUMENT, "options->input_shapes names the input '\(name)' twice")
      }
    }
  }

  /// Whether a run of both networks is to be timed when a model is compressed.
  static func timesRun(_ pointer: UnsafePointer<lowrank_model_options>?) throws(Failure) -> Bool {
    guard let given = try optionalStructure(pointer, "options") else { return false }
    return try number(given.time_run, in: 0...1, "options->time_run") == 1
  }

  private static func method(_ value: lowrank_model_method) throws(Failure) -> CompressionMethod {
    guard let method = lowrank_model_method.methods.first(where: { $0.code == value })?.method else {
      throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no method \(value.rawValue) for models")
    }
    return method
  }

  private static func weights(_ value: lowrank_weight_storage) throws(Failure) -> WeightStorage {
    switch value {
    case LOWRANK_WEIGHTS_AS_THEY_ARE: return .original
    case LOWRANK_WEIGHTS_FLOAT16: return .float16
    case LOWRANK_WEIGHTS_INT8: return .int8
    case LOWRANK_WEIGHTS_AUTO: return .auto
    default: throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no storage \(value.rawValue) for weights")
    }
  }

  /// What the whole model may cost; nil for criteria of single layers.
  private static func budget(_ criterion: lowrank_criterion, _ value: Double) throws(Failure) -> Budget? {
    guard criterion == LOWRANK_MULTIPLIES || criterion == LOWRANK_WEIGHTS else { return nil }
    guard value > 0, value <= 1 else {
      throw Failure(
        LOWRANK_INVALID_ARGUMENT, "options->criterion_value is \(value): a budget lies over 0, up to 1")
    }
    return criterion == LOWRANK_MULTIPLIES ? .multiplies(value) : .weights(value)
  }

  /// How long a run may take; nil for criteria of other things.
  static func latency(_ criterion: lowrank_criterion, _ value: Double) throws(Failure) -> LatencyTarget? {
    switch criterion {
    case LOWRANK_LATENCY where value > 0 && value <= 1: return .fraction(value)
    case LOWRANK_MILLISECONDS where value > 0 && value.isFinite: return .milliseconds(value)
    case LOWRANK_LATENCY, LOWRANK_MILLISECONDS:
      let range =
        criterion == LOWRANK_LATENCY ? "lies over 0, up to 1" : "is a number of milliseconds above 0"
      throw Failure(
        LOWRANK_INVALID_ARGUMENT, "options->criterion_value is \(value): a time to keep to \(range)")
    default: return nil
    }
  }

  private static func criterion(
    _ criterion: lowrank_criterion, _ value: Double
  ) throws(Failure) -> RankCriterion {
    if criterion == LOWRANK_DEFAULT_CRITERION { return CompressionOptions().criterion }
    guard value >= 0, value <= 1 else {
      throw Failure(LOWRANK_INVALID_ARGUMENT, "options->criterion_value is \(value), not 0 to 1")
    }
    switch criterion {
    case LOWRANK_ERROR: return .error(value)
    case LOWRANK_ENERGY: return .energy(value)
    case LOWRANK_RANKS_RATIO: return .ranksRatio(value)
    default: throw Failure(LOWRANK_INVALID_ARGUMENT, "there is no criterion \(criterion.rawValue)")
    }
  }

  /// `name=1,3,224,224`; names may hold an equals sign, extents do not.
  private static func inputShape(_ text: String) throws(Failure) -> (name: String, extents: [Int]) {
    let extents = text.lastIndex(of: "=").map { split in
      text[text.index(after: split)...].split(separator: ",", omittingEmptySubsequences: false)
        .map { Int($0) ?? 0 }
    }
    guard let split = text.lastIndex(of: "="), split > text.startIndex, let extents,
      extents.allSatisfy({ $0 > 0 && $0 < 1 << 31 })
    else {
      throw Failure(LOWRANK_INVALID_ARGUMENT, "the input shape '\(text)' is not of the form name=1,3,224,224")
    }
    return (String(text[..<split]), extents)
  }
}
