import Compress
import Forms
import Foundation
import Images
import ModelGraph
import Network
import ONNX
import TensorFiles
import Tune

/// What takes bytes from outside.
enum Parser: String, CaseIterable {
  /// Arrays: read, written and read again.
  case npy
  /// Tensors by name, and the factors in them.
  case safetensors
  /// Networks: read, their shapes worked out, written and read again.
  case model
  /// Networks: compressed and written.
  case rewrite
  /// Networks: run on inputs of the shapes they ask for.
  case run
  /// PNG and JPEG images.
  case image
  /// Weights of layers by name, as `compress --sensitivities` has them.
  case sensitivities
  /// Moments: the file, and the sums of each of its layers.
  case moments
  /// Times of layers, as `lowrank profile` writes them: a network is compressed by them.
  case times
  /// What `lowrank tune` goes on from.
  case checkpoint

  /// What errors call the input.
  private static let path = "case.bin"

  /// Gives the parser an input.
  func answer(to input: [UInt8]) -> Answer {
    do {
      try take(input)
      return .accepted
    } catch let broken as BrokenPromise {
      writeLine("wrong: \(broken.what)")
      return .wrong
    } catch {
      let text = "\(error)"
      let isOneLine =
        !text.isEmpty && !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
      // A fault that only a run meets names the place in the network, and the command puts the file in front. One of a
      // file that the input names is that file's.
      let isElsewhere =
        error is NetworkError || error is CompressError || error is TimingError
        || text.contains("cannot be read")
      let isNamed = isElsewhere || text.contains(Self.path)
      if isOneLine && isNamed { return .refused }
      writeLine("error: \(text)")
      return .badError
    }
  }

  private func take(_ input: [UInt8]) throws {
    switch self {
    case .npy: try takeArray(Data(input))
    case .safetensors: try takeTensors(Data(input))
    case .model: try takeModel(input)
    case .rewrite: try takeRewriting(input)
    case .run: try NetworkRun(model(input)).run()
    case .image: _ = try Image(bytes: input, path: Self.path)
    case .sensitivities: try takeSensitivities(Data(input))
    case .moments: _ = try MomentsFile(ByteView(input), path: Self.path).validate()
    case .times: try takeTimes(Data(input))
    case .checkpoint: try takeCheckpoint(input)
    }
  }

  private func takeArray(_ data: Data) throws {
    _ = try? NPYFile(data: data, path: Self.path)
    let array = try NPYArray(data: data, path: Self.path)
    for order in [NPYFile.Order.c, .fortran] {
      let written = array.data(order: order)
      let again = try NPYArray(data: written, path: Self.path)
      // Bytes are compared, as NaN differs from itself.
      guard again.shape == array.shape, again.data() == array.data() else {
        throw BrokenPromise(what: "an array that was written differs")
      }
    }
  }

  private func takeTensors(_ data: Data) throws {
    let file = try SafetensorsFile(data: data, path: Self.path)
    let factors: FactoredKernel<Float> = try FactorsFile.factors(file, path: Self.path)
    let again: FactoredKernel<Float> = try FactorsFile.factors(
      FactorsFile.file(factors) { .float($0) }, path: Self.path)
    guard again.form == factors.form, again.kernelShape == factors.kernelShape else {
      throw BrokenPromise(what: "factors that were written differ")
    }
  }

  private func model(_ bytes: [UInt8]) throws -> ModelGraph {
    try ModelGraph(onnx: ByteView(bytes), path: Self.path)
  }

  private func takeModel(_ bytes: [UInt8]) throws {
    let model = try model(bytes)
    try model.validate()
    let layers = try model.layers()
    _ = try model.extents(of: layers)
    try model.saveONNX(to: "/dev/null")
  }

  private func takeRewriting(_ bytes: [UInt8]) throws {
    var model = try model(bytes)
    try model.validate()
    var options = CompressionOptions()
    options.rankMultiple = 1
    let kinds = CompressionMethod.all
    // As good as any choice that depends on the input alone.
    options.method = kinds[bytes.reduce(0) { $0 &* 31 &+ Int($1) } & Int.max % kinds.count]
    if bytes.count % 4 == 0 {
      options.budget = .multiplies(0.5)
    } else {
      options.criterion = .ranksRatio(0.5)
    }
    _ = try model.compress(options)
    try model.saveONNX(to: "/dev/null")
  }

  private func takeSensitivities(_ data: Data) throws {
    do { _ = try JSONDecoder().decode([String: Double].self, from: data) } catch {
      throw FileError(path: Self.path, reason: "this is no JSON object of layer names and numbers")
    }
  }

  private func takeTimes(_ data: Data) throws {
    let table: TimeTable
    do { table = try JSONDecoder().decode(TimeTable.self, from: data) } catch {
      throw FileError(path: Self.path, reason: "this is no table of times")
    }
    try TimedCompression(table).run()
  }

  private func takeCheckpoint(_ input: [UInt8]) throws {
    let shapes = ["w": [3, 2, 2], "b": [3]]
    func state(_ bytes: [UInt8]) throws -> TuningState? {
      try TuningState(bytes: bytes, path: Self.path, shapes: shapes, .adam)
    }
    guard let written = try state(input)?.bytes else {
      throw FileError(path: Self.path, reason: "this is no whole checkpoint")
    }
    // Bytes are compared, as NaN differs from itself.
    guard try state(written)?.bytes == written else {
      throw BrokenPromise(what: "a checkpoint that was written differs")
    }
  }
}
