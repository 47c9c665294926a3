import Foundation
import TensorFiles
import Tensors
import TestSupport
import Testing

@Suite struct SafetensorsFileTests {
  @Test(arguments: ["f16", "bf16", "f32", "f64", "mixed"])
  func referenceFilesAreRead(name: String) throws {
    let file = try SafetensorsFile(contentsOf: Vectors.path("safetensors-\(name).safetensors"))
    #expect(!file.tensors.isEmpty)
    for (name, entry) in file.tensors where !name.contains("special") {
      let expected = (0..<entry.tensor.shape.count).map { Double($0 - 7) / 4 }
      #expect(entry.tensor.converted(to: Double.self).elements == expected, "\(name)")
    }
  }

  @Test func writtenFilesAreReadBackAndAreTheSameEachTime() throws {
    let file = SafetensorsFile(
      tensors: [
        "b": .init(.float(Tensor(shape: [2, 3], elements: [1, 2, 3, 4, 5, -0.5]))),
        "a \"quoted\"": .init(.double(Tensor(shape: [], elements: [0.1]))),
        "half": .init(.float(Tensor(shape: [2], elements: [0.5, 65504])), type: .float16),
        "brain": .init(.float(Tensor(shape: [1], elements: [1.5])), type: .bfloat16),
        "none": .init(.float(Tensor(shape: [0, 4], repeating: 0))),
      ], metadata: ["form": "tucker2:1,2"])
    let data = file.data
    #expect(data == file.data)
    let read = try SafetensorsFile(data: data, path: "memory")
    #expect(read.metadata == file.metadata)
    #expect(read.tensors.count == 5)
    for (name, entry) in file.tensors {
      let other = try #require(read.tensors[name])
      #expect(other.type == entry.type)
      #expect(other.tensor.shape == entry.tensor.shape)
      #expect(other.tensor.converted(to: Double.self) == entry.tensor.converted(to: Double.self))
    }
  }

  @Test(arguments: [
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,3]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[0],"data_offsets":[2,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1]}}"#, "[]", "{", "", "null",
  ])
  func wrongHeadersAreErrorsThatNameTheFile(header: String) {
    var data = Data([UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0])
    data.append(Data(header.utf8))
    data.append(Data(count: 4))
    #expect { try SafetensorsFile(data: data, path: "f.safetensors") } throws: {
      "\($0)".hasPrefix("f.safetensors: ")
    }
  }

  /// Ten thousand changed or shortened files: an error or tensors, never a trap.
  @Test func changedBytesNeverTrap() {
    var generator = SeededGenerator(seed: 12)
    let original = SafetensorsFile(tensors: [
      "core": .init(.float(Tensor(shape: [1, 1, 2], repeating: 1))),
      "mode1": .init(.float(Tensor(shape: [2, 1], repeating: 1))),
      "mode2": .init(.float(Tensor(shape: [2, 1], repeating: 1))),
    ]).data
    for round in 0..<10_000 {
      var data = original
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        data[Int.random(in: 0..<data.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      if round % 4 == 0 { data = data.prefix(Int.random(in: 0..<data.count, using: &generator)) }
      guard let file = try? SafetensorsFile(data: data, path: "changed") else { continue }
      let factors = try? FactorsFile.factors(file, path: "changed", as: Float.self)
      if let factors { #expect(factors.kernelShape.count > 0) }
    }
  }
}
