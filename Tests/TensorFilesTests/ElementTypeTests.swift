import Foundation
import TensorFiles
import Tensors
import Testing

@Suite struct ElementTypeTests {
  /// Every bfloat16 is read and written back as it was, NaN apart, whose payload may change.
  @Test func everyBFloat16Survives() {
    for bits in UInt16.min...UInt16.max {
      let value = Float(bfloat16Bits: bits)
      #expect(value.isNaN ? Float(bfloat16Bits: value.bfloat16Bits).isNaN : value.bfloat16Bits == bits)
    }
  }

  /// Halfway between two bfloat16 numbers the even one is taken.
  @Test func bfloat16RoundsToEven() {
    #expect(Float(1 + 0x1p-8).bfloat16Bits == Float(1).bfloat16Bits)
    #expect(Float(1 + 3 * 0x1p-8).bfloat16Bits == Float(1 + 0x1p-6).bfloat16Bits)
    #expect(Float(1 + 0x1p-8 + 0x1p-20).bfloat16Bits == Float(1 + 0x1p-7).bfloat16Bits)
    #expect(Float.greatestFiniteMagnitude.bfloat16Bits == Float.infinity.bfloat16Bits)
  }

  @Test(arguments: ElementType.allCases)
  func roundingIsWhatStoringDoes(type: ElementType) throws {
    let values: [Float] = [0, -0.0, 1 / 3, -1e-7, 65519, 0x1p-140, .infinity]
    let stored = Tensor(shape: [values.count], elements: values).data(as: type)
    let read = try #require(Tensor<Float>(shape: [values.count], data: stored, type: type))
    #expect(read.elements == values.map(type.rounded))
    #expect(Tensor<Float>(shape: [values.count + 1], data: stored, type: type) == nil)
  }
}
