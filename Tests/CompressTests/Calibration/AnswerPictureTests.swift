import Network
import Tensors
import Testing

@testable import Compress

@Suite struct AnswerPictureTests {
  /// Three channels in front are colours; the scale is the original's, and what is beyond it is cut off.
  @Test func coloursKeepTheOriginalsScale() throws {
    let original = Tensor<Float>(shape: [1, 3, 4, 5], elements: (0..<60).map { Float($0) })
    var finished = original
    finished[0, 2, 3, 4] = 88.5
    let picture = try #require(
      AnswerPicture(output: "y", NetworkTensor(original), NetworkTensor(finished)))
    #expect(picture.width == 5 && picture.height == 4 && picture.channels == 3)
    #expect(Array(picture.original[0..<3]) == [0, UInt8(20.0 / 59 * 255), UInt8(40.0 / 59 * 255)])
    #expect(picture.original.last == 255 && picture.finished.last == 255)
    #expect(picture.difference.last == 255 && picture.difference.dropLast().allSatisfy { $0 == 0 })
    #expect(abs(picture.largestDifference - 0.5) < 1e-6)
  }

  /// Channels may come last; of two the first is shown, and large maps by every n-th number.
  @Test func channelsMayComeLast() throws {
    let values = (0..<240_000).map { Float($0 % 2 == 0 ? $0 : -9) }
    let map = Tensor<Float>(shape: [1, 400, 300, 2], elements: values)
    let picture = try #require(AnswerPicture(output: "y", NetworkTensor(map), NetworkTensor(map)))
    #expect(picture.channels == 1 && picture.width == 100 && picture.height == 134)
    #expect(picture.original.count == 100 * 134 && picture.original[0] == 0 && picture.largestDifference == 0)
    #expect(picture.original[133 * 100 + 99] == 255)
  }

  /// What is no picture is none.
  @Test func rowsAndConstantsAreNone() {
    let row = NetworkTensor(Tensor<Float>(shape: [1, 10], elements: (0..<10).map { Float($0) }))
    let constant = NetworkTensor(Tensor<Float>(shape: [1, 1, 8, 8], repeating: 3))
    #expect(AnswerPicture(output: "y", row, row) == nil)
    #expect(AnswerPicture(output: "y", constant, constant) == nil)
    #expect(AnswerPicture(output: "y", nil, row) == nil)
  }

  /// A report with pictures has them, any other has none.
  @Test func aReportWithSpectraHasPictures() throws {
    let model = try CalibrationModel().model
    var options = CalibrationModel.options(0.5)
    options.recordsSpectra = true
    var calibrated = model
    let report = try CalibrationTests.compress(&calibrated, options, CalibrationModel.images(20))
    let pictures = try #require(report.calibration).pictures
    #expect(pictures.count == 3 && pictures.allSatisfy { $0.output == "map" && $0.width == 16 })
  }
}
