import Foundation
import TensorFiles
import Tensors
import TestSupport
import Testing

@Suite struct NPYFileTests {
  /// Element i of each reference file is (i - 7) / 4; see make_vectors.py.
  @Test(arguments: ["f2", "f4", "f8"], ["c", "fortran"])
  func filesByNumPyAreRead(type: String, order: String) throws {
    let shapes: [String: Shape] = [
      "2d": [3, 4], "3d": [2, 3, 4], "3d-version2": [2, 3, 4], "4d": [2, 3, 2, 2],
    ]
    for (name, shape) in shapes {
      let file = try NPYFile(contentsOf: Vectors.path("npy-\(type)-\(order)-\(name).npy"))
      #expect(file.tensor.shape == shape)
      #expect(file.order == (order == "c" ? .c : .fortran))
      let expected = (0..<shape.count).map { Double($0 - 7) / 4 }
      #expect(file.tensor.converted(to: Double.self).elements == expected)
    }
  }

  @Test(arguments: [ElementType.float16, .float32, .float64], [NPYFile.Order.c, .fortran])
  func writtenFilesAreReadBack(type: ElementType, order: NPYFile.Order) throws {
    for shape in [[], [0], [5], [3, 4], [2, 0, 3], [2, 3, 4, 5]] as [Shape] {
      let tensor = Tensor<Double>(shape: shape, elements: (0..<shape.count).map { Double($0) / 8 })
      let data = NPYFile.data(.double(tensor), type: type, order: order)
      let file = try NPYFile(data: data, path: "memory")
      #expect(file.type == type)
      #expect(file.tensor.shape == shape)
      #expect(file.tensor.converted(to: Double.self) == tensor)
      // NumPy wants the numbers on a 64-byte boundary.
      #expect((data.count - shape.count * type.byteCount) % 64 == 0)
    }
  }

  @Test(arguments: [
    "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 2), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999), }",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (0, 4611686018427387904, 4611686018427387904), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4611686018427387904), }",
    "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }",
    "{'descr': '<f4', 'shape': (1,), }",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x", "{", "",
  ])
  func wrongHeadersAreErrorsThatNameTheFile(header: String) throws {
    var data = Data([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, UInt8(header.utf8.count), 0])
    data.append(Data(header.utf8))
    data.append(Data(count: 4))
    #expect { try NPYFile(data: data, path: "kernel.npy") } throws: { "\($0)".hasPrefix("kernel.npy: ") }
  }

  @Test func everyTruncationIsAnError() throws {
    let data = NPYFile.data(.float(Tensor(shape: [3, 2], repeating: 1)))
    for count in 0..<data.count {
      #expect(throws: FileError.self) { try NPYFile(data: data.prefix(count), path: "cut.npy") }
    }
  }

  /// Ten thousand changed files: an error or a tensor, never a trap.
  @Test func changedBytesNeverTrap() {
    var generator = SeededGenerator(seed: 11)
    let original = NPYFile.data(.float(Tensor(shape: [2, 3], repeating: 1)))
    for _ in 0..<10_000 {
      var data = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<data.count, using: &generator)
        data[place] = UInt8.random(in: 0...255, using: &generator)
      }
      if let file = try? NPYFile(data: data, path: "changed.npy") {
        #expect(file.tensor.shape.count * file.type.byteCount <= data.count)
      }
    }
  }
}
