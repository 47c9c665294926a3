import Decompose
import Forms
import ModelGraph
import Network
import Tensors
import TestSupport
import Testing

@testable import Compress

@Suite struct CalibrationTests {
  /// The finished network's answers are nearer to the original's than those of the same budget without data, on inputs that
  /// nobody has seen; with a skip connection, several outputs and a shared kernel.
  @Test func dataHelpOnInputsThatNobodyHasSeen() throws {
    let model = try CalibrationModel().model
    let options = CalibrationModel.options(0.5)
    var (plain, calibrated) = (model, model)
    _ = try plain.compress(options)
    let report = try Self.compress(&calibrated, options, CalibrationModel.images(24))
    let unseen = CalibrationModel.images(6, seed: 99)
    let errors = try [plain, calibrated].map { try Self.error(of: $0, against: model, on: unseen) }
    #expect(errors[1] < errors[0])
    let found = try #require(report.calibration)
    #expect(found.heldOut == 6 && found.samples == 18 && found.outputs.count == 2)
    #expect(report.layers.contains { $0.isFactored })
    for layer in report.layers where layer.isFactored {
      #expect(layer.dataError != nil && layer.heldOutError != nil, "\(layer.name)")
    }
  }

  /// The same inputs give the same model whatever the threads, to the bit.
  @Test func threadsChangeNothing() throws {
    let model = try CalibrationModel().model
    var models = [model, model]
    for (place, threads) in [1, 3].enumerated() {
      var options = CalibrationModel.options(0.5)
      options.threads = threads
      _ = try Self.compress(&models[place], options, CalibrationModel.images(9))
    }
    #expect(models[0] == models[1])
  }

  /// The cheapest network that keeps what was asked for is found: it keeps that, and its budget is no larger than need be.
  @Test func answersAreKeptAsFarAsAskedFor() throws {
    let model = try CalibrationModel().model
    let options = CalibrationModel.options(0.2)
    let seen = try Calibration(model, options, samples: CalibrationSamples(CalibrationModel.images(24)))
    let candidates = try ModelCandidates(model, seen.options)
    var fractions: [Double] = []
    for likeness in [0.3, 0.75, 0.999] {
      var calibrated = model
      let report = try calibrated.compress(candidates, calibration: seen, keeping: likeness)
      let outputs = try #require(report.calibration).outputs
      #expect(outputs.allSatisfy { ($0.agreement ?? 1 - $0.relativeError) >= likeness })
      fractions.append(try #require(report.allocation).achieved)
    }
    #expect(fractions[0] < fractions[1] && fractions[1] < fractions[2] && fractions[2] == 1)
  }

  /// Layers that are kept leave the network as it was, and the outputs equal.
  @Test func aBudgetOfAllChangesNothing() throws {
    let model = try CalibrationModel().model
    var kept = model
    let report = try Self.compress(&kept, CalibrationModel.options(1), CalibrationModel.images(8))
    #expect(report.layers.allSatisfy { !$0.isFactored })
    #expect(kept.main.nodes == model.main.nodes)
    #expect(report.calibration?.outputs.allSatisfy { $0.relativeError == 0 } == true)
  }

  /// One image, and one that is constant, give a sound model: finite weights, and answers no further off than the weights'
  /// own norm would have them by much.
  @Test(arguments: [false, true]) func oneImageWillDo(isConstant: Bool) throws {
    let model = try CalibrationModel().model
    let constant = ["x": NetworkTensor(Tensor<Float>(shape: [1, 3, 16, 16], repeating: 0.5))]
    var calibrated = model
    let report = try Self.compress(
      &calibrated, CalibrationModel.options(0.6), isConstant ? [constant] : CalibrationModel.images(1))
    #expect(report.calibration?.heldOut == 0)
    let unseen = CalibrationModel.images(4, seed: 99)
    #expect(try Self.error(of: calibrated, against: model, on: unseen) < 1)
  }

  @Test func inputsThatAreNoNumbersAreNamed() throws {
    var images = CalibrationModel.images(3)
    var pixels = try #require(images[2]["x"]?.floats)
    pixels[0, 1, 0, 2] = .nan
    images[2]["x"] = NetworkTensor(pixels)
    let fault = #expect(throws: CompressError.self) { try CalibrationSamples(images) }
    #expect(fault?.description == "calibrate: sample 2 of the input 'x' holds nan at element 258")
    #expect(throws: CompressError.self) { try CalibrationSamples([]) }
  }

  @Test func inputsOfAnotherShapeAreNamed() throws {
    let model = try CalibrationModel().model
    let samples = try CalibrationSamples([["x": NetworkTensor(Tensor<Float>(shape: [1, 4, 16, 16]))]])
    let fault = #expect(throws: CompressError.self) {
      try Calibration(model, CalibrationModel.options(0.5), samples: samples)
    }
    #expect(fault?.description.contains("1x4x16x16") == true)
  }

  static func compress(
    _ model: inout ModelGraph, _ options: CompressionOptions, _ images: [[String: NetworkTensor]]
  ) throws -> CompressionReport {
    let seen = try Calibration(model, options, samples: CalibrationSamples(images))
    return try model.compress(ModelCandidates(model, seen.options), calibration: seen)
  }

  /// The relative error of the first output.
  private static func error(
    of model: ModelGraph, against original: ModelGraph, on images: [[String: NetworkTensor]]
  ) throws -> Double {
    let networks = try [Network(original), Network(model)]
    var difference = OutputDifference()
    for image in images {
      let made = try networks.map { try $0.run(image)["map"] }
      difference.add(made[0], made[1])
    }
    return difference.relativeSquared.squareRoot()
  }
}
