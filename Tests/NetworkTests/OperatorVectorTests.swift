import Foundation
import ModelGraph
import ONNX
import TestSupport
import Testing
import Tensors

@testable import Network

/// Operators beside the answers of ONNX Runtime; `Tests/Vectors/make_network_vectors.py` made them.
struct OperatorVectorTests {
  /// Each file is a model with constants besides that nobody uses: `given:NAME` for its inputs, `expected:NAME` for the
  /// answers.
  static let files: [String] = {
    // More of the same kind, such as ONNX's own tests, may be asked for by a folder.
    let folder = ProcessInfo.processInfo.environment["LOWRANK_OPERATOR_VECTORS"] ?? Vectors.path("network")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".onnx") }.sorted().map { folder + "/" + $0 }
  }()

  @Test func `there are vectors`() { #expect(Self.files.count > 20) }

  @Test(arguments: files) func `answers are ONNX Runtime's`(_ file: String) throws {
    try check(file, NetworkOptions())
  }

  @Test(arguments: files) func `two threads change no bit`(_ file: String) throws {
    let sample = try VectorCase(file)
    let one = try Network(sample.model).run(sample.inputs)
    let two = try Network(sample.model, options: NetworkOptions(threads: 2)).run(sample.inputs)
    for (name, tensor) in one { #expect(Self.bits(tensor) == two[name].map(Self.bits), "\(file) \(name)") }
  }

  @Test(arguments: files) func `the scalar kernels agree`(_ file: String) throws {
    try check(file, NetworkOptions(variant: .scalar))
  }

  private static func bits(_ tensor: NetworkTensor) -> [UInt32] {
    tensor.floats?.elements.map(\.bitPattern) ?? tensor.integers?.map { UInt32(truncatingIfNeeded: $0) } ?? []
  }

  private func check(_ file: String, _ options: NetworkOptions) throws {
    let sample = try VectorCase(file)
    let outputs = try Network(sample.model, options: options).run(sample.inputs)
    for (name, expected) in sample.expected {
      let output = try #require(outputs[name], "\(file) \(name)")
      #expect(output.shape == expected.shape, "\(file) \(name)")
      guard output.shape == expected.shape else { continue }
      if let floats = expected.floats?.elements {
        let answers = try #require(output.floats).elements
        // Both compute with floats, in another order: 1e-5 of the largest is 2^-17, some 100 roundings of it.
        let largest = floats.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : $0 }
        let wrong = zip(answers, floats).filter {
          !($0 == $1 || ($0.isNaN && $1.isNaN) || abs($0 - $1) <= 1e-5 * max(largest, 1e-30))
        }
        #expect(
          wrong.isEmpty, "\(file) \(name): \(wrong.count) of \(floats.count), such as \(wrong.prefix(3))")
      } else {
        #expect(output.integers == expected.integers, "\(file) \(name)")
      }
    }
  }
}

/// A model with inputs and the answers to them.
struct VectorCase {
  let model: ModelGraph
  private(set) var inputs: [String: NetworkTensor] = [:]
  private(set) var expected: [String: NetworkTensor] = [:]

  init(_ file: String) throws {
    model = try ModelGraph(onnx: file)
    for constant in model.main.constants {
      let parts = constant.name.split(separator: ":", maxSplits: 1).map(String.init)
      guard parts.count == 2, parts[0] == "given" || parts[0] == "expected" else { continue }
      let tensor = try NetworkTensor(constant) { .input(name: constant.name, reason: $0) }
      if parts[0] == "given" { inputs[parts[1]] = tensor } else { expected[parts[1]] = tensor }
    }
  }
}
