import ModelGraph
import Tensors
import Testing

@testable import Tune

/// What a teacher makes of a batch, in the runs that it takes.
struct TargetsTests {
  /// Three images of two elements, in runs of two.
  private let targets = Targets(
    imagesOfRun: 2,
    runs: [
      ["v": Tensor<Float>(shape: [2, 2], elements: [0, 1, 2, 3])],
      ["v": Tensor<Float>(shape: [1, 2], elements: [4, 5])],
    ])

  private func elements(_ targets: Targets, _ images: Range<Int>) -> [Float]? {
    targets.view("v", images)?.withSpan { span in span.indices.map { span[$0] } }
  }

  @Test
  func viewsAreOfTheirImages() {
    #expect(elements(targets, 0..<2) == [0, 1, 2, 3])
    #expect(elements(targets, 1..<2) == [2, 3])
    #expect(elements(targets, 2..<3) == [4, 5])
    #expect(
      elements(targets, 1..<3) == nil && elements(targets, 2..<4) == nil && elements(targets, 4..<5) == nil)
    #expect(targets.view("other", 0..<1) == nil)
    #expect(elements(targets.joined, 1..<3) == [2, 3, 4, 5])
  }

  /// A teacher that takes one image at a time, for parts of two.
  @Test
  func runsMayBeSmallerThanParts() throws {
    var options = TuneOptions()
    (options.length, options.batch) = (.epochs(1), 16)
    let losses = try [ValueInfo.Dimension.symbol("N"), .known(1)].map { images in
      var teacher = TinyNetwork.classifier(seed: 1)
      teacher.main.inputs[0].type = .tensor(.float32, shape: [images, .known(1), .known(6), .known(6)])
      let task = try Tuner(
        TinyNetwork.classifier(seed: 1, noise: 0.3), teacher: teacher, images: RandomImages(),
        options: options
      ).task
      #expect(task.part == 2)
      return try task.gradients(Array(0..<16), .whole, task.startWeights, variation: nil).loss
    }
    #expect(abs(losses[0] - losses[1]) < 1e-5 * losses[0], "\(losses)")
  }
}
