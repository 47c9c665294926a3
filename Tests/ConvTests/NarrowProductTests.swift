import Tensors
import TestSupport
import Testing

@testable import Conv

/// Products with weights of 16 and 8 bits, against their definition.
@Suite struct NarrowProductTests {
  enum Storage: String, CaseIterable {
    case float16, int8
  }

  /// Weights that a format holds exactly, [columns, depth]; half of them with the format's awkward numbers.
  private static func weights(
    _ storage: Storage, _ columns: Int, _ depth: Int, _ cases: inout GeneratedCases
  ) -> Tensor<Float> {
    let elements = (0..<columns * depth).map { place -> Float in
      switch storage {
      case .float16:
        let awkward: [Float16] = [
          -0.0, .leastNonzeroMagnitude, -.leastNormalMagnitude, .leastNormalMagnitude.nextDown, 1024.5,
        ]
        let any = Float16(Float(cases.number(-4000...4000)) / 256)
        return Float(place % 7 == 0 ? awkward[cases.number(0...4)] : any)
      case .int8:
        // The largest of a row is 127 scales; a row of zeros has a scale too.
        let (row, first) = (place / depth, place % depth == 0)
        let integer = row % 5 == 4 ? 0 : first ? -127 : cases.number(-127...127)
        // Sixteen bits and seven are exact.
        let product = Float(integer) * Float(40_001 + row) * 0x1p-20
        return product == 0 ? 0 : product
      }
    }
    return Tensor(shape: [columns, depth], elements: elements)
  }

  /// What the product should be, and how far rounding may take it: each sum of `depth` products, its scale, bias and
  /// activation.
  private static func definition(
    _ a: [Float], _ weights: Tensor<Float>, _ bias: [Float], _ activation: Activation, row: Int, column: Int
  ) -> (value: Double, tolerance: Double) {
    let (depth, elements) = (weights.shape[1], weights.elements)
    var (sum, magnitude) = (Double(bias[column]), abs(Double(bias[column])))
    for k in 0..<depth {
      let product = Double(a[row * depth + k]) * Double(elements[column * depth + k])
      sum += product
      magnitude += abs(product)
    }
    let value = activation.definition(sum, channel: column)
    let rounding = Double(depth + 4) * Double(Float.ulpOfOne) * magnitude * activation.steepness
    return (value, rounding + 4 * Double(Float.ulpOfOne) * abs(value) + 1e-37)
  }

  private static func run(_ product: NarrowProduct, _ a: [Float], rows: Int) -> Tensor<Float> {
    var (input, output) = (
      Tensor<Float>(shape: [a.count], elements: a),
      Tensor<Float>(shape: [rows * product.columns + 16], repeating: .nan)
    )
    var workspace = Tensor<Float>(
      shape: [(product.workspaceByteCount(rows: rows) + 3) / 4], repeating: .nan)
    let byteCount = 4 * workspace.count
    input.withMutableSlice { input in
      output.withMutableSlice { output in
        workspace.withMutableSlice { workspace in
          workspace.base.withMemoryRebound(to: UInt8.self, capacity: byteCount) { bytes in
            product.run(
              input, rows: rows, into: output[0..<rows * product.columns],
              workspace: MemorySlice(bytes, count: byteCount))
          }
        }
      }
    }
    return output
  }

  @Test(arguments: KernelVariant.available, Storage.allCases)
  func everyProductEqualsItsDefinition(variant: KernelVariant, storage: Storage) throws {
    for seed in TestRun.seeds(short: 20) {
      var cases = GeneratedCases(seed: seed)
      let extents = [1, 2, 3, 7, 15, 16, 17, 31, 33, 64, 65, 97, 130]
      let rows = cases.number(1...7)
      let columns = extents[cases.number(0...12)]
      let depth = extents[cases.number(0...12)]
      let weights = Self.weights(storage, columns, depth, &cases)
      let a: [Float] = cases.tensor([rows * depth]).elements
      let bias: [Float] = cases.tensor([columns]).elements
      let activation = [Activation.none, .relu, .silu][cases.number(0...2)]
      let product = try #require(
        NarrowProduct(
          weights, bias: Tensor(shape: [columns], elements: bias), activation: activation,
          options: MatrixProductOptions(variant: variant, threads: cases.number(1...4))))
      let result = Self.run(product, a, rows: rows).elements
      for row in 0..<rows {
        for column in 0..<columns {
          let expected = Self.definition(a, weights, bias, activation, row: row, column: column)
          let actual = Double(result[row * columns + column])
          if !(abs(actual - expected.value) <= expected.tolerance) {
            Issue.record(
              "\(actual) for \(expected) at \(row), \(column) of \(rows) x \(depth) x \(columns) \(TestRun.repeating(seed))"
            )
            return
          }
        }
      }
      #expect(result[(rows * columns)...].allSatisfy { $0.isNaN }, "writes beyond the result")
    }
  }

  @Test func theShorterFormatIsSeenFromTheNumbers() {
    var cases = GeneratedCases(seed: 5)
    for storage in Storage.allCases {
      let product = NarrowProduct(Self.weights(storage, 20, 30, &cases))
      #expect(product?.storage == storage.rawValue)
      #expect(product?.byteCount ?? 0 >= (storage == .int8 ? 600 : 1200))
    }
    #expect(NarrowProduct(Tensor(shape: [1, 3], elements: [1, 0.1, 0.3])) == nil)
    #expect(NarrowProduct(Tensor(shape: [1, 2], elements: [1, 65536])) == nil)
    #expect(NarrowProduct(Tensor(shape: [1, 2], elements: [1, .nan]))?.storage != "int8")
  }

  @Test(arguments: [1, 3])
  func threadsDoNotChangeTheResult(rows: Int) throws {
    var cases = GeneratedCases(seed: 6)
    let weights = Self.weights(.float16, 700, 500, &cases)
    let a: [Float] = cases.tensor([rows * 500]).elements
    let results = try [1, 2, 3, 7].map { threads in
      let product = try #require(
        NarrowProduct(weights, options: MatrixProductOptions(threads: threads)))
      return Self.run(product, a, rows: rows).elements.prefix(rows * 700).map(\.bitPattern)
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }
}
