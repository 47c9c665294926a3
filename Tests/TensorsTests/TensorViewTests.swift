import Tensors
import Testing

@Suite struct TensorViewTests {
  /// 0, 1, 2, ... in row-major order.
  private func ramp(_ shape: Shape) -> Tensor<Float> {
    Tensor(shape: shape, elements: (0..<shape.count).map { Float($0) })
  }

  /// Every range of every axis, element by element.
  @Test func aSliceHoldsTheElementsOfItsRange() {
    let tensor = ramp([3, 4, 5])
    for axis in 0..<3 {
      for start in 0...tensor.shape[axis] {
        for end in start...tensor.shape[axis] {
          let slice = Tensor(tensor.view.sliced(axis: axis, start..<end))
          #expect(slice.shape[axis] == end - start)
          for i in 0..<slice.shape[0] {
            for j in 0..<slice.shape[1] {
              for k in 0..<slice.shape[2] {
                let shifted = [i, j, k].enumerated().map { $0 == axis ? $1 + start : $1 }
                #expect(slice[i, j, k] == tensor[shifted[0], shifted[1], shifted[2]])
              }
            }
          }
        }
      }
    }
  }

  @Test func slicesOfSlicesAndPermutationsAddUp() {
    let tensor = ramp([4, 3, 5])
    let view = tensor.view.sliced(axis: 0, 1..<4).permuted([2, 0, 1]).sliced(axis: 0, 2..<5)
      .sliced(axis: 1, 1..<3)
    let result = Tensor(view)
    #expect(result.shape == [3, 2, 3])
    for i in 0..<3 {
      for j in 0..<2 {
        for k in 0..<3 { #expect(result[i, j, k] == tensor[j + 2, k, i + 2]) }
      }
    }
  }
}
