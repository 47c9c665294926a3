import Tensors
import TestSupport
import Testing

@Suite struct UnfoldTests {
  @Test(arguments: [[4], [3, 5], [2, 3, 4], [3, 1, 2, 5], [2, 3, 1, 2, 3], [0, 3, 2]])
  func foldAfterUnfoldIsTheIdentity(extents: [Int]) {
    var generator = SeededGenerator(seed: 1)
    let tensor = Tensor<Float>.random(Shape(extents), using: &generator)
    for mode in 1...extents.count {
      let matrix = tensor.unfolded(mode: mode)
      #expect(matrix.shape[0] == extents[mode - 1])
      #expect(Tensor.folded(matrix, mode: mode, shape: tensor.shape) == tensor)
    }
  }

  @Test func columnsRunOverTheOtherAxesInRowMajorOrder() {
    let tensor = Tensor<Double>(shape: [2, 3, 2], elements: (0..<12).map(Double.init))
    // numpy.moveaxis(x, 1, 0).reshape(3, -1)
    #expect(tensor.unfolded(mode: 2).elements == [0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11])
    #expect(tensor.unfolded(mode: 3).elements == [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11])
  }
}
