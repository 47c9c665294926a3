public import ModelGraph
public import Network
import Tensors

/// The inputs that a model is calibrated on, and which of them only judge.
///
/// Where there are eight or more, two stretches of a tenth of them each are held out: what stands side by side is often cut
/// out of the same picture, and a picture that is fitted to tells nothing of others. Where there are fewer, every fifth
/// position of each layer is held out.
/// A part of a larger set draws the same positions of its inputs as the whole does, so that sums of parts are sums of the
/// whole.
public struct CalibrationSamples: Sendable {
  /// What the network is given, one entry a sample: a tensor for each of its inputs.
  public let inputs: [[String: NetworkTensor]]
  /// The place of the first sample in the whole set.
  public let first: Int
  /// From one sample's place in the whole set to the next one's.
  public let step: Int
  /// The samples of the whole set.
  public let total: Int

  /// Every fifth position is held out where samples are few.
  static let heldOutPeriod = 5
  /// The tenths of the whole set that are held out.
  private static let heldOutTenths: Set<Int> = [2, 7]
  /// The fewest samples of which whole ones are held out.
  private static let leastForWhole = 8

  /// The samples, or with `first`, `step` and `total` a part of a larger set.
  ///
  /// **Throws** `CompressError.option` where there are none, one holds numbers that are not finite, or a whole set is of one
  /// input again and again.
  public init(
    _ inputs: [[String: NetworkTensor]], first: Int = 0, step: Int = 1, total: Int? = nil
  ) throws(CompressError) {
    guard !inputs.isEmpty else {
      throw .option(name: "calibrate", reason: "there are no inputs to calibrate on")
    }
    (self.inputs, self.first, self.step, self.total) = (inputs, first, step, total ?? inputs.count)
    for (place, input) in inputs.enumerated() {
      for (name, tensor) in input.sorted(by: { $0.key < $1.key }) {
        guard let fault = tensor.floats?.firstNotFinite else { continue }
        throw .option(
          name: "calibrate",
          reason:
            "sample \(number(place)) of the input '\(name)' holds \(fault.value) at element \(fault.place)")
      }
    }
    // A network does nothing to them that its factors could get wrong, and every error would look like 0.
    if inputs.count > 1, total == nil, inputs.dropFirst().allSatisfy({ $0 == inputs[0] }) {
      throw .option(
        name: "calibrate", reason: "all \(inputs.count) inputs are the same one: give some that differ")
    }
  }

  /// Samples of a model of one input, each made of a place among things of that kind by `batch`: it is given the input and the
  /// place as often as a model that fixes its batch takes it, whose positions are alike then, and do no harm. `shapes` are
  /// those of inputs that the model leaves open; `first` and `total` as above.
  ///
  /// **Throws** `CompressError` where the model has other than one input and as above; and what `batch` throws.
  public init(
    of model: ModelGraph, shapes: [String: [Int]] = [:], places: some Sequence<Int>, first: Int = 0,
    total: Int? = nil, _ batch: (ValueInfo, [Int]) throws -> NetworkTensor
  ) throws {
    guard model.inputs.count == 1, let info = model.inputs.first.map({ $0.fixed(to: shapes[$0.name]) }) else {
      throw CompressError.model(
        .model(
          path: model.path,
          reason: "calibration is for models of one input; this one has \(model.inputs.count)"))
    }
    let times = max(1, (info.extents?.first ?? nil) ?? 1)
    let inputs = try places.map { [info.name: try batch(info, [Int](repeating: $0, count: times))] }
    try self.init(inputs, first: first, total: total)
  }

  /// The place of a sample in the whole set.
  func number(_ sample: Int) -> Int { first + sample * step }

  /// Whether whole samples are held out, and not positions of all of them.
  var holdsOutWhole: Bool { total >= Self.leastForWhole }

  /// Whether a whole sample is held out.
  func isHeldOut(_ sample: Int) -> Bool { Self.isHeldOut(number: number(sample), of: total) }

  /// Whether the sample at a place in a whole set of `total` is held out, wherever it is.
  static func isHeldOut(number: Int, of total: Int) -> Bool {
    total >= leastForWhole && heldOutTenths.contains(number * 10 / total)
  }

  /// The places of so many samples in stretches that run side by side before somebody looks at what came of them: two for each
  /// thread, so that one that takes longer is not waited for.
  static func waves(of count: Int, threads: Int) -> [Range<Int>] {
    let length = 2 * max(1, threads)
    return stride(from: 0, to: count, by: length).map { $0..<min(count, $0 + length) }
  }

  /// The samples that finished networks are judged by: those held out, or all where none is.
  var judges: [Int] {
    let held = inputs.indices.filter(isHeldOut)
    return held.isEmpty ? Array(inputs.indices) : held
  }

  /// At most `count` of the samples that judge, spread over them.
  func spreadJudges(_ count: Int) -> [Int] {
    let all = judges
    guard all.count > count else { return all }
    return (0..<count).map { all[$0 * all.count / count] }
  }
}

extension Tensor where Element == Float {
  /// The first element that is no number, if there is one.
  fileprivate var firstNotFinite: (place: Int, value: Float)? {
    withSpan { span in
      for place in span.indices where !span[place].isFinite { return (place, span[place]) }
      return nil
    }
  }
}
