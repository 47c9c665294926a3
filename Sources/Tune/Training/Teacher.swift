import ModelGraph
import Network
import Synchronization
import Tensors

/// The network whose outputs are aimed at, run by the engine that runs networks when they are used.
struct Teacher: Sendable {
  private let network: Network
  private let input: String
  /// The images of a run.
  private let batch: Int
  private let isFixed: Bool

  /// `values` are those that will be asked for, of `atOnce` images at once unless the model fixes them.
  init(_ model: ModelGraph, values: [String], atOnce: Int, threads: Int) throws(TuneError) {
    var model = model
    guard model.inputs.count == 1, let info = model.inputs.first else {
      throw .graph(reason: "a teacher of one input is needed; this one has \(model.inputs.count)")
    }
    (input, batch) = (info.name, max(1, (info.extents?.first ?? nil) ?? atOnce))
    isFixed = (info.extents?.first ?? nil) != nil
    // As outputs of the model they outlive the passes.
    for value in values where !model.main.outputs.contains(where: { $0.name == value }) {
      model.main.outputs.append(ValueInfo(name: value))
    }
    do throws(NetworkError) {
      network = try Network(model, options: NetworkOptions(threads: threads))
    } catch { throw .network(error) }
  }

  /// What the teacher makes of images.
  ///
  /// **Shapes** `x` [images, ...]; the values likewise.
  func values(_ names: [String], of x: Tensor<Float>) throws(TuneError) -> Targets {
    guard !isFixed || x.shape[0] % batch == 0 else {
      throw .data(reason: "\(x.shape[0]) images for a teacher that takes \(batch) at a time")
    }
    var runs: [[String: Tensor<Float>]] = []
    let wanted = Set(names).sorted()
    for start in stride(from: 0, to: x.shape[0], by: batch) {
      let part = NetworkTensor(x.images(start..<min(x.shape[0], start + batch)))
      let made: [String: NetworkTensor]
      do throws(NetworkError) { made = try network.run([input: part], outputs: wanted) } catch {
        throw .network(error)
      }
      var values: [String: Tensor<Float>] = [:]
      for name in wanted {
        guard let floats = made[name]?.floats else {
          throw .data(reason: "the teacher's '\(name)' holds no floating-point numbers")
        }
        values[name] = floats
      }
      runs.append(values)
    }
    return Targets(imagesOfRun: batch, runs: runs)
  }
}

/// What a teacher made of batches, by number.
final class TargetCache: Sendable {
  private let batches = Mutex<[Int: Targets]>([:])

  /// What is known of a batch, or what `make` makes.
  func values(
    ofBatch number: Int, _ make: () throws(TuneError) -> Targets
  ) throws(TuneError) -> Targets {
    if let known = batches.withLock({ $0[number] }) { return known }
    let made = try make()
    batches.withLock { $0[number] = made }
    return made
  }
}

extension Tensor where Element == Float {
  /// Some of the images of a batch.
  func images(_ range: Range<Int>) -> Tensor<Float> {
    if range == 0..<shape[0] { return self }
    let size = count / max(1, shape[0])
    return Tensor(shape: Shape([range.count] + shape.extents.dropFirst())) { result in
      withSpan { x in
        for i in 0..<result.count { result[unchecked: i] = x[range.lowerBound * size + i] }
      }
    }
  }

  /// Batches one behind the other.
  static func joined(_ parts: [Tensor<Float>]) -> Tensor<Float> {
    let images = parts.reduce(0) { $0 + $1.shape[0] }
    return Tensor(shape: Shape([images] + (parts.first?.shape.extents.dropFirst() ?? []))) { result in
      var place = 0
      for part in parts {
        part.withSpan { x in
          for i in 0..<x.count { result[place + i] = x[unchecked: i] }
        }
        place += part.count
      }
    }
  }
}
