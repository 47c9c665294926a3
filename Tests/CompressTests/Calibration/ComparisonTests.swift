import ModelGraph
import Network
import Tensors
import TestSupport
import Testing

@testable import Compress

/// A calibrated network beside what the same budget gives without data.
@Suite struct ComparisonTests {
  /// Both are measured on the samples held out, and the nearer one is there.
  @Test func theNetworkWithoutDataIsMeasuredToo() throws {
    let model = try CalibrationModel().model
    var calibrated = model
    let report = try CalibrationTests.compress(
      &calibrated, CalibrationModel.options(0.5), CalibrationModel.images(20))
    let found = try #require(report.calibration)
    #expect(found.fit == "asymmetric")
    var sums = (own: 0.0, plain: 0.0)
    for output in found.outputs {
      let plain = try #require(output.uncalibratedError)
      sums.own += output.relativeError * output.relativeError
      sums.plain += plain * plain
      #expect(output.rejectedError == nil)
    }
    #expect(sums.own < sums.plain)
  }

  /// A network that is further off than what a budget gives without data gives way to that, to the bit, and the report says so.
  @Test func aFitThatDoesHarmIsRejected() throws {
    let model = try CalibrationModel().model
    let seen = try Calibration(
      model, CalibrationModel.options(0.2), samples: CalibrationSamples(CalibrationModel.images(20)))
    var calibrated = model
    let report = try calibrated.compress(ModelCandidates(model, seen.options), calibration: seen)
    let own = try #require(report.calibration).outputs.map(\.relativeError)
    let compared = try calibrated.compare(report, with: .multiplies(0.98), model, seen) { _ in }
    let found = try #require(compared.calibration)
    var plain = model
    _ = try plain.compress(CalibrationModel.options(0.98))
    #expect(found.fit == "weights" && calibrated == plain)
    #expect(found.outputs.map(\.rejectedError) == own)
    #expect(found.outputs.allSatisfy { $0.uncalibratedError == $0.relativeError })
    #expect(compared.allocation?.fraction == 0.98)
  }

  /// Where the budget is out of reach without data, the report says that nothing was compared, and why.
  @Test func aComparisonThatFailsIsSaid() throws {
    let model = try CalibrationModel().model
    let seen = try Calibration(
      model, CalibrationModel.options(0.5), samples: CalibrationSamples(CalibrationModel.images(20)))
    var calibrated = model
    let report = try calibrated.compress(ModelCandidates(model, seen.options), calibration: seen)
    let before = calibrated
    let compared = try calibrated.compare(report, with: .multiplies(1e-6), model, seen) { _ in }
    let found = try #require(compared.calibration)
    #expect(calibrated == before && found.fit == "asymmetric")
    #expect(try #require(found.notCompared).contains("cannot be reached"))
    #expect(report.calibration?.notCompared == nil)
  }

  /// Fitted to inputs that are nothing like those held out, a network is still no further off there than one without data.
  @Test func inputsUnlikeThoseHeldOutDoNoHarm() throws {
    var model = try CalibrationModel().model
    model.main.outputs.removeLast()
    let report = try CalibrationTests.compress(
      &model, CalibrationModel.options(0.5), Self.unlikeImages(20))
    let output = try #require(report.calibration?.outputs.first)
    #expect(output.relativeError <= (try #require(output.uncalibratedError)))
  }

  /// Images that are held out as usual, among images of one stripe that are fitted to.
  private static func unlikeImages(_ count: Int) throws -> [[String: NetworkTensor]] {
    let usual = CalibrationModel.images(count)
    let samples = try CalibrationSamples(usual)
    return usual.indices.map { place in
      guard !samples.isHeldOut(place) else { return usual[place] }
      let stripe = Tensor<Float>(
        shape: [1, 3, 16, 16], elements: (0..<768).map { Float($0 % 16 < 8 ? place : -place) / 20 })
      return ["x": NetworkTensor(stripe)]
    }
  }

  /// Neighbours are held out together, the same ones for a part of the samples as for all.
  @Test func stretchesAreHeldOut() throws {
    let images = CalibrationModel.images(20)
    let whole = try CalibrationSamples(images)
    #expect(images.indices.filter(whole.isHeldOut) == [4, 5, 14, 15])
    let part = try CalibrationSamples(Array(images[..<10]), first: 1, step: 2, total: 20)
    #expect((0..<10).filter(part.isHeldOut).map(part.number) == [5, 15])
    #expect(try CalibrationSamples(Array(images[..<7])).judges.count == 7)
  }

  /// In front of a Softmax errors are those of its input; elsewhere of the output.
  @Test func saturatingOutputsAreMeasuredInFront() throws {
    var model = try CalibrationModel().model
    model.main.nodes.append(Node(name: "p", opType: "Softmax", inputs: ["scores"], outputs: ["p"]))
    model.main.outputs.append(ValueInfo(name: "p"))
    let answers = NetworkAnswers(model)
    #expect(answers.outputs == ["map", "scores", "p"])
    #expect(answers.scores == ["map", "scores", "scores"])
    var calibrated = model
    let report = try CalibrationTests.compress(
      &calibrated, CalibrationModel.options(0.5), CalibrationModel.images(20))
    let outputs = try #require(report.calibration).outputs
    #expect(outputs[1].scoreError == nil)
    #expect(outputs[2].scoreError == outputs[1].relativeError)
    #expect(outputs[2].relativeError != outputs[1].relativeError)
  }

  /// What a network says of a class whatever it is given counts for nothing: the columns of a matrix have means of their own.
  @Test func columnsHaveMeansOfTheirOwn() {
    var difference = OutputDifference()
    for (first, second) in [(Float(1), Float(100)), (3, 102)] {
      difference.add(
        NetworkTensor(Tensor(shape: [1, 2], elements: [first, second])),
        NetworkTensor(Tensor(shape: [1, 2], elements: [first + 1, second])))
    }
    // Off by 1 twice; each column varies by 1 about its mean twice.
    #expect(difference.relativeSquared == 2.0 / 4.0)
    var maps = OutputDifference()
    maps.add(
      NetworkTensor(Tensor(shape: [1, 2, 1, 1], elements: [1, 3])),
      NetworkTensor(Tensor(shape: [1, 2, 1, 1], elements: [2, 3])))
    #expect(maps.relativeSquared == 1.0 / 2.0)
  }
}
