import Foundation
import TensorFiles
import Tensors
import TestSupport
import Testing

@Suite struct NPYArrayTests {
  /// What numpy.save writes in front of the elements.
  private func file(_ descriptor: String, _ shape: String, fortran: Bool = false, _ bytes: [UInt8]) -> Data {
    let fields =
      "{'descr': '\(descriptor)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }"
    var data = Data([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, UInt8(fields.utf8.count + 1), 0])
    data.append(Data((fields + "\n").utf8))
    data.append(Data(bytes))
    return data
  }

  private func integers(_ array: NPYArray) -> [Int]? {
    if case .integers(let integers, _, _) = array { integers } else { nil }
  }

  @Test func elementsHaveNumPysBytes() throws {
    let cases: [(String, [UInt8], [Int])] = [
      ("|i1", [0xFF, 0x7F], [-1, 127]), ("|u1", [0xFF, 0x7F], [255, 127]), ("|b1", [0, 1], [0, 1]),
      ("<i2", [0xFE, 0xFF, 1, 2], [-2, 513]), ("<u2", [0xFE, 0xFF, 1, 2], [65534, 513]),
      ("<i4", [0xFD, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0x80], [-3, Int(Int32.min) + 1]),
      ("<u4", [0xFD, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0x80], [4_294_967_293, 2_147_483_649]),
      ("<i8", [UInt8](repeating: 0xFF, count: 8) + [1, 0, 0, 0, 0, 0, 0, 0x80], [-1, Int.min + 1]),
      ("<u8", [5, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 7) + [0x7F], [5, Int.max]),
    ]
    for (descriptor, bytes, expected) in cases {
      let array = try NPYArray(data: file(descriptor, "(2,)", bytes), path: "x.npy")
      #expect(integers(array) == expected, "\(descriptor)")
    }
  }

  @Test func fortranOrderIsTurnedRound() throws {
    // The matrix 0 1 2 / 3 4 5, column after column.
    let array = try NPYArray(data: file("|u1", "(2, 3)", fortran: true, [0, 3, 1, 4, 2, 5]), path: "x.npy")
    #expect(integers(array) == [0, 1, 2, 3, 4, 5] && array.shape == [2, 3])
  }

  @Test(arguments: IntegerType.allCases, [NPYFile.Order.c, .fortran])
  func writtenFilesAreReadBack(type: IntegerType, order: NPYFile.Order) throws {
    for shape in [[], [0], [5], [3, 4], [2, 0, 3], [2, 3, 4, 5]] as [Shape] {
      let ends = [type.range.lowerBound, type.range.upperBound]
      let elements = (0..<shape.count).map { $0 < 2 ? ends[$0] : type == .bool ? $0 % 2 : $0 }
      let data = NPYArray.integers(elements, shape: shape, type: type).data(order: order)
      guard case .integers(let read, let readShape, let readType) = try NPYArray(data: data, path: "x.npy")
      else {
        Issue.record("integers are floats")
        return
      }
      #expect(read == elements && readShape == shape && readType == type)
      #expect((data.count - shape.count * type.byteCount) % 64 == 0)
    }
  }

  @Test(arguments: [ElementType.float16, .float32, .float64])
  func floatsAreReadAsNPYFileReadsThem(type: ElementType) throws {
    let tensor = AnyTensor.double(Tensor(shape: [2, 3], elements: [0, 0.5, -1, 2, 3, -4.25]))
    let data = NPYArray.floats(tensor, type: type).data(order: .fortran)
    guard case .floats(let read, let readType) = try NPYArray(data: data, path: "x.npy") else {
      Issue.record("floats are integers")
      return
    }
    #expect(readType == type)
    #expect(read.converted(to: Double.self) == tensor.converted(to: Double.self))
  }

  @Test func integersPastIntAreAnError() {
    let bytes = [UInt8](repeating: 0, count: 8) + [0, 0, 0, 0, 0, 0, 0, 0x80]
    #expect {
      try NPYArray(data: file("<u8", "(2,)", bytes), path: "x.npy")
    } throws: {
      "\($0)" == "x.npy: element 1 is 9223372036854775808, more than 2^63 - 1"
    }
  }

  @Test(arguments: [">i4", "<c8", "|S4", "<M8[s]", "<i3", "|i4"])
  func otherTypesAreErrors(descriptor: String) {
    #expect(throws: FileError.self) {
      try NPYArray(data: file(descriptor, "(1,)", [0, 0, 0, 0]), path: "x.npy")
    }
  }

  /// Ten thousand changed files, and every truncation: an error or an array, never a trap.
  @Test func brokenFilesNeverTrap() {
    let original = NPYArray.integers([1, 2, 3, 4, 5, 6], shape: [2, 3], type: .int16).data(order: .fortran)
    for count in 0..<original.count {
      #expect(throws: FileError.self) { try NPYArray(data: original.prefix(count), path: "cut.npy") }
    }
    var generator = SeededGenerator(seed: 12)
    for _ in 0..<10_000 {
      var data = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<data.count, using: &generator)
        data[place] = UInt8.random(in: 0...255, using: &generator)
      }
      if let array = try? NPYArray(data: data, path: "changed.npy") {
        #expect(array.shape.count <= data.count)
      }
    }
  }
}
