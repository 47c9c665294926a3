internal import CLowRank
internal import Compress
internal import ModelGraph
internal import Network

extension CompressionRequest {
  /// What `lowrank_model_options` ask for, of which `options` have been read, with the samples and times that are for `model`.
  init(
    _ pointer: UnsafePointer<lowrank_model_options>?, _ options: CompressionOptions, for model: ModelGraph
  ) throws(Failure) {
    self.init(options)
    guard let given = try optionalStructure(pointer, "options") else { return }
    guard given.min_agreement >= 0, given.min_agreement <= 1 else {
      throw Failure(
        LOWRANK_INVALID_ARGUMENT, "options->min_agreement is \(given.min_agreement), not 0 to 1")
    }
    if let samples = given.samples {
      calibrate(on: try CalibrationSamples(samples, of: model, shapes: options.inputShapes), of: model)
      minAgreement = given.min_agreement > 0 ? given.min_agreement : nil
    }
    guard let target = try CompressionOptions.latency(given.criterion, given.criterion_value) else { return }
    // A library writes nothing but what it is asked for: times are not kept for other calls.
    let timer = EngineTimer(threads: self.options.threads, inputShapes: self.options.inputShapes)
    latency = (target, .timer(timer, cache: TimesCache(path: nil)))
  }
}

extension CalibrationSamples {
  /// The places on the first axis of an array.
  fileprivate init(
    _ pointer: UnsafePointer<lowrank_array>, of model: ModelGraph, shapes: [String: [Int]]
  ) throws(Failure) {
    let argument = "options->samples"
    let array = try InputArray(pointer, at: 0, among: model.inputs, argument)
    guard let count = array.shape.extents.first, count > 0 else {
      throw Failure(LOWRANK_INVALID_ARGUMENT, "\(argument) holds no samples: they lie along the first axis")
    }
    let elements = try array.elements()
    do {
      try self.init(of: model, shapes: shapes, places: 0..<count) { info, places in
        let type = info.dataType ?? array.shape.type
        guard let tensor = elements.tensor(places, of: array.shape.extents, type: type) else {
          throw Failure(
            LOWRANK_INVALID_ARGUMENT,
            "\(argument) holds floating point, and the input '\(info.name)' takes integers")
        }
        return tensor
      }
    } catch let error as Failure {
      throw error
    } catch let error as CompressError {
      throw Failure(error)
    } catch { throw Failure(LOWRANK_INTERNAL, "\(error)") }
  }
}
