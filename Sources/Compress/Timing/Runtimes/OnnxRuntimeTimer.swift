internal import COnnxRuntime
import Conv
public import ModelGraph
import Network
import ONNX
import TensorFiles
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Times networks in ONNX Runtime, through its C library where that is installed.
public struct OnnxRuntimeTimer: NetworkTimer {
  /// `onnxruntime`.
  public let runtime = "onnxruntime"
  /// False: only whole networks are timed.
  public let timesNodes = false
  /// The threads of a run.
  public let threads: Int
  private let library: OnnxRuntimeLibrary
  private let inputShapes: [String: [Int]]

  /// A timer that loads the library at `path`, or for nil the one that the system's loader finds.
  ///
  /// **Throws** `TimingError.runtime` where there is none.
  public init(threads: Int, inputShapes: [String: [Int]] = [:], library path: String?) throws(TimingError) {
    library = try OnnxRuntimeLibrary(path)
    self.threads = threads
    self.inputShapes = inputShapes
  }

  /// The version and the processor.
  public var machine: String { "\(library.version), \(TuningCache.processor)" }
  /// The floats of a vector.
  public var lanes: Int { KernelVariant.best.lanes }

  /// The network, read from a file that is gone afterwards, and run once.
  public func prepare(_ model: ModelGraph) throws(TimingError) -> any TimedNetwork {
    let inputs = try TimingInputs(model, shapes: inputShapes).tensors
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lowrank-\(UUID().uuidString)")
    do { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) } catch {
      throw .file(FileError(path: folder.path, reason: "the folder for a model to time cannot be made"))
    }
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("model.onnx").path
    do throws(ModelError) { try model.saveONNX(to: path) } catch { throw .compression(.model(error)) }
    let network = try OnnxRuntimeNetwork(library, path, threads: threads)
    for (name, tensor) in inputs.sorted(by: { $0.key < $1.key }) { try network.set(name, tensor) }
    _ = try network.run()
    return network
  }
}

/// ONNX Runtime's library, which stays loaded until the process ends.
private struct OnnxRuntimeLibrary: @unchecked Sendable {
  // The environment may be used from several threads, as its documentation says.
  let pointer: OpaquePointer

  var version: String { String(cString: connxruntime_version(pointer)) }

  init(_ path: String?) throws(TimingError) {
    var message = [CChar](repeating: 0, count: Int(CONNXRUNTIME_MESSAGE_SIZE))
    guard let loaded = connxruntime_load(path, &message) else {
      throw .runtime(
        name: "onnxruntime",
        reason:
          "its library cannot be loaded: \(text(message)); install it, or say where it is with LOWRANK_ONNXRUNTIME"
      )
    }
    pointer = loaded
  }
}

/// A network in ONNX Runtime.
private final class OnnxRuntimeNetwork: TimedNetwork {
  private let pointer: OpaquePointer

  init(_ library: OnnxRuntimeLibrary, _ path: String, threads: Int) throws(TimingError) {
    var message = [CChar](repeating: 0, count: Int(CONNXRUNTIME_MESSAGE_SIZE))
    guard let opened = connxruntime_open(library.pointer, path, Int32(clamping: threads), &message) else {
      throw .runtime(name: "onnxruntime", reason: text(message))
    }
    pointer = opened
  }

  deinit { connxruntime_close(pointer) }

  func set(_ name: String, _ tensor: NetworkTensor) throws(TimingError) {
    guard let bytes = tensor.onnxBytes else {
      throw .runtime(name: "onnxruntime", reason: "the input '\(name)' of \(tensor.type) cannot be made up")
    }
    let extents = tensor.shape.extents.map { Int64($0) }
    var message = [CChar](repeating: 0, count: Int(CONNXRUNTIME_MESSAGE_SIZE))
    let result = connxruntime_set_input(
      pointer, name, Int32(clamping: tensor.type.number), extents, extents.count, bytes, bytes.count, &message
    )
    guard result == 0 else { throw .runtime(name: "onnxruntime", reason: text(message)) }
  }

  func run() throws(TimingError) -> NetworkTime {
    var message = [CChar](repeating: 0, count: Int(CONNXRUNTIME_MESSAGE_SIZE))
    let clock = ContinuousClock()
    let start = clock.now
    let result = connxruntime_run(pointer, &message)
    let time = (clock.now - start).milliseconds
    guard result == 0 else { throw .runtime(name: "onnxruntime", reason: text(message)) }
    return NetworkTime(whole: time)
  }
}

/// A message of C's.
private func text(_ message: [CChar]) -> String {
  String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

extension NetworkTensor {
  /// The elements as ONNX stores them; nil for types that are not made here.
  fileprivate var onnxBytes: [UInt8]? {
    func bytes<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
    switch (type, floats, integers) {
    case (.float32, let floats?, _): return bytes(floats.elements)
    case (.float64, let floats?, _): return bytes(floats.elements.map { Double($0) })
    case (.int64, _, let integers?): return bytes(integers.map { Int64($0) })
    case (.int32, _, let integers?): return bytes(integers.map { Int32(clamping: $0) })
    case (.uint8, _, let integers?): return bytes(integers.map { UInt8(clamping: $0) })
    case (.bool, _, let integers?): return bytes(integers.map { UInt8($0 == 0 ? 0 : 1) })
    default: return nil
    }
  }
}
