import Compress
import ModelGraph
import ONNX
import Tensors
import TestSupport
import Testing

/// Weights in half precision and as integers: the file holds them so, layers see them, and the report counts the rounding.
@Suite struct StorageTests {
  private static func options(_ storage: WeightStorage, error: Double = 0) -> CompressionOptions {
    var options = CompressionOptions()
    (options.weights, options.criterion, options.rankMultiple) = (storage, .error(error), 1)
    return options
  }

  /// `||a - b|| / ||a||`
  private static func distance(_ a: Tensor<Float>, _ b: Tensor<Float>) -> Double {
    let pairs = zip(a.elements.map(Double.init), b.elements.map(Double.init))
    let lost = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (lost / a.elements.reduce(0) { $0 + Double($1) * Double($1) }).squareRoot()
  }

  /// A model of one layer each: a convolution, a transposed one, a matrix.
  private static func model(seed: UInt64 = 7) throws -> ModelGraph {
    var generator = SeededGenerator(seed: seed)
    var builder = ModelBuilder()
    builder.addConvolution("conv", .random([24, 16, 3, 3], using: &generator))
    builder.addConvolution("up", .random([16, 24, 3, 3], using: &generator), transposed: true)
    builder.addMatrix("dense", .random([48, 40], using: &generator))
    return try builder.model()
  }

  @Test(arguments: [
    (WeightStorage.float16, "Cast", DataType.float16, 0x1p-11),
    // Of numbers spread evenly up to the largest, half a scale of 1/127 (and 2^-15 for its 16 bits) is the most.
    (.int8, "DequantizeLinear", .int8, 0.5 / 127 * 3.0.squareRoot() * 1.25),
  ])
  func keptLayersSeeWhatTheFileHolds(
    storage: WeightStorage, opType: String, type: DataType, largest: Double
  ) throws {
    let model = try Self.model()
    var written = model
    let report = try written.compress(Self.options(storage))
    #expect(written.main.nodes.filter { $0.opType == opType }.count == 3)
    #expect(written.main.constants.filter { $0.type == type }.count == 3)
    for (place, layer) in try written.layers().enumerated() {
      #expect(layer.obstacle == nil && layer.elementType == .float32)
      let error = Self.distance(
        try model.kernel(of: try model.layers()[place]), try written.kernel(of: layer))
      #expect(error > 0 && error < largest, "\(layer.name): \(error)")
      // Both are sums in Double of the same numbers.
      #expect(abs(error - report.layers[place].relativeError) <= 1e-12 * error)
      #expect(report.layers[place].storage == "\(type)")
    }
  }

  @Test func scalesRunAlongTheOutputChannels() throws {
    var written = try Self.model()
    _ = try written.compress(Self.options(.int8))
    let nodes = written.main.nodes.filter { $0.opType == "DequantizeLinear" }
    let axes = Dictionary(uniqueKeysWithValues: nodes.map { ($0.outputs[0], $0.int("axis", default: -1)) })
    #expect(axes == ["conv.weight": 0, "up.weight": 1, "dense.weight": 1])
  }

  @Test(arguments: [WeightStorage.float16, .int8, .auto])
  func theErrorOfFactorsCountsTheRounding(storage: WeightStorage) throws {
    var generator = SeededGenerator(seed: 11)
    let product = naiveProduct(
      Tensor<Float>.random([64, 6], using: &generator), .random([6, 48], using: &generator))
    var builder = ModelBuilder()
    builder.addConvolution("pointwise", product.converted(to: Float.self).reshaped([64, 48, 1, 1]))
    let model = try builder.model()
    var options = Self.options(storage)
    (options.method, options.criterion) = (.only(.svd), .ranksRatio(1.0 / 8))
    var written = model
    let layer = try #require(try written.compress(options).layers.first)
    // Six components hold it to rounding in Float, so that integers, a hundredth off, are no choice of `auto`'s.
    #expect(layer.storage == (storage == .int8 ? "int8" : "float16"))
    #expect(layer.relativeError > 1e-5)
    let stages = try written.layers().map {
      try written.kernel(of: $0).reshaped($0.kernelShape.map { [$0[0], $0[1]] } ?? [])
    }
    try #require(stages.count == 2)
    let composed = naiveProduct(stages[1], stages[0]).converted(to: Float.self).reshaped([64, 48, 1, 1])
    let error = Self.distance(try model.kernel(of: try model.layers()[0]), composed)
    #expect(abs(error - layer.relativeError) <= 6 * Double(Float.ulpOfOne))
  }

  @Test(arguments: [WeightStorage.float16, .int8, .auto])
  func aSecondCompressionWithoutErrorChangesNothing(storage: WeightStorage) throws {
    var once = try Self.model()
    _ = try once.compress(Self.options(storage, error: 0.6))
    var twice = once
    let report = try twice.compress(Self.options(storage))
    #expect(twice == once)
    #expect(report.layers.allSatisfy { $0.relativeError == 0 })
  }

  @Test func factoringAnewLeavesNothingBehind() throws {
    var model = try Self.model()
    _ = try model.compress(Self.options(.int8))
    var options = Self.options(.original)
    options.criterion = .ranksRatio(0.25)
    let report = try model.compress(options)
    #expect(report.layers.allSatisfy { $0.isFactored })
    #expect(!model.main.nodes.contains { $0.opType == "DequantizeLinear" })
    #expect(!model.main.constants.contains { $0.type == .int8 })
  }

  @Test func integersNeedScalesPerChannel() throws {
    var model = try Self.model()
    model.operatorSets = [OperatorSet(version: 12)]
    let report = try model.compress(Self.options(.int8))
    #expect(report.layers.allSatisfy { $0.storage == "float16" })
    #expect(!model.main.nodes.contains { $0.opType == "DequantizeLinear" })
  }

  @Test(arguments: [Float.nan, .infinity, 1e6, 1e-9])
  func numbersOutOfRangeStayAsTheyAre(value: Float) throws {
    var builder = ModelBuilder()
    builder.addConvolution(
      "conv", Tensor(shape: [16, 16, 3, 3], elements: [Float](repeating: value, count: 2304)))
    let model = try builder.model()
    var written = model
    let report = try written.compress(Self.options(.float16))
    // Half precision has infinity; everything else here it has not.
    #expect(report.layers[0].storage == (value == .infinity ? "float16" : "float32"))
    if value != .infinity { #expect(written.main.nodes == model.main.nodes) }
  }

  @Test func awkwardChannelsAreHeld() throws {
    var elements = [Float](repeating: 0.5, count: 1440)
    for i in 0..<180 { elements[i] = 0 }
    for i in 180..<360 { elements[i] = .leastNonzeroMagnitude }
    for i in 360..<540 { elements[i] = -1e38 }
    var builder = ModelBuilder()
    builder.addConvolution("conv", Tensor(shape: [8, 20, 3, 3], elements: elements))
    var model = try builder.model()
    let report = try model.compress(Self.options(.int8))
    #expect(report.layers[0].storage == "int8")
    let kernel = try model.kernel(of: try model.layers()[0]).elements
    #expect(kernel[0..<360].allSatisfy { $0 == 0 } && kernel.allSatisfy { $0.isFinite })
    // A scale is at most 2^-15 over a 127th of the largest, and a number half a scale off.
    for i in 360..<1440 { #expect(abs(kernel[i] / elements[i] - 1) <= 0.5 / 127 * 1.001) }
  }

  @Test func constantsThatOthersMayChangeStay() throws {
    let original = try Self.model()
    var overridden = original
    overridden.main.inputs.append(
      ValueInfo(name: "conv.weight", type: .tensor(.float32, shape: [24, 16, 3, 3].map { .known($0) })))
    let report = try overridden.compress(Self.options(.float16))
    #expect(report.layers[0].storage == "float32" && report.layers[1].storage == "float16")
    var old = overridden
    old = original
    old.formatVersion = 3
    _ = try old.compress(Self.options(.float16))
    // The format's third version lists every constant among the inputs.
    #expect(old.main.inputs.contains { $0.name == "conv.weight.float16" && $0.dataType == .float16 })
  }
}
