import Forms
import Tensors
import Testing

@Suite struct FactoredFormTests {
  /// The table of forms, for one layer with a stride: T 256, S 128, 3 x 3, 56 x 56 to 28 x 28.
  private let kernel: Shape = [256, 128, 3, 3]
  private let input = [56, 56]
  private let output = [28, 28]

  @Test func tucker2CountsAsTheTableSays() {
    let form = FactoredForm.tucker2(outputRank: 64, inputRank: 32)
    #expect(form.weightCount(kernel: kernel) == 128 * 32 + 9 * 64 * 32 + 256 * 64)
    #expect(
      form.multiplies(kernel: kernel, input: input, output: output)
        == 128 * 32 * 56 * 56 + (9 * 64 * 32 + 256 * 64) * 28 * 28)
  }

  @Test func denseCountsAsTheTableSays() {
    #expect(FactoredForm.dense.weightCount(kernel: kernel) == 256 * 128 * 9)
    #expect(
      FactoredForm.dense.multiplies(kernel: kernel, input: input, output: output) == 256 * 128 * 9 * 28 * 28)
    // Two groups: half the weights.
    #expect(FactoredForm.dense.weightCount(kernel: [256, 64, 3, 3], groups: 2) == 256 * 64 * 9)
  }

  @Test func svdDropsPositionsInItsFirstStage() {
    let form = FactoredForm.svd(rank: 10)
    #expect(form.weightCount(kernel: [20, 30, 1, 1]) == 10 * 50)
    #expect(form.multiplies(kernel: [20, 30, 1, 1], input: [8, 8], output: [4, 4]) == 10 * 50 * 16)
    #expect(form.multiplies(kernel: [20, 30], input: [], output: []) == 10 * 50)
  }

  /// Weights and multiplies of the design's table, T 256, S 128, R 10, stride 2 along both axes.
  @Test(arguments: [
    (
      FactoredForm.cp3(rank: 10), 10 * (128 + 9 + 256),
      128 * 10 * 56 * 56 + (9 * 10 + 256 * 10) * 28 * 28
    ),
    (
      .cp4(rank: 10), 10 * (128 + 6 + 256),
      128 * 10 * 56 * 56 + 3 * 10 * 28 * 56 + (3 * 10 + 256 * 10) * 28 * 28
    ),
    (.spatial(rank: 10), 30 * (128 + 256), 3 * 128 * 10 * 28 * 56 + 3 * 256 * 10 * 28 * 28),
    (.channel(rank: 10), 10 * (9 * 128 + 256), 10 * (9 * 128 + 256) * 28 * 28),
    (
      .channel(rank: 10, mirrored: true), 10 * (128 + 9 * 256),
      10 * 128 * 56 * 56 + 10 * 9 * 256 * 28 * 28
    ),
  ])
  func otherFormsCountAsTheTableSays(form: FactoredForm, weights: Int, multiplies: Int) {
    #expect(form.weightCount(kernel: kernel) == weights)
    #expect(form.multiplies(kernel: kernel, input: input, output: output) == multiplies)
  }

  @Test func countsSaturate() {
    let huge = FactoredForm.dense.multiplies(
      kernel: [4, 4, 3, 3], input: [.max, .max], output: [.max, .max])
    #expect(huge == .max)
  }

  @Test(arguments: [
    "dense", "tucker2:64,32", "svd:7", "cp3:5", "cp4:5", "spatial:4", "spatial-mirrored:4", "channel:2",
    "channel-mirrored:2",
  ])
  func formsReadWhatTheyWrite(text: String) throws {
    #expect(try #require(FactoredForm(text)).description == text)
  }

  @Test(arguments: [
    "", "tucker2", "tucker2:", "tucker2:1", "tucker2:1,2,3", "tucker2:0,3", "tucker2:-1,3", "svd:x",
    "dense:", "dense:1", "svd:1:2", "tucker2:99999999999999999999,1", "Tucker2:1,1",
  ])
  func otherWordsAreNoForms(text: String) {
    #expect(FactoredForm(text) == nil)
  }
}
