import Forms
import ModelGraph
import Tensors
import Testing

@testable import Compress

@Suite struct DiagnosisTests {
  /// A layer of a kernel on 20 x 20 positions with the facts that matter to its diagnosis.
  private func facts(
    _ kernel: Shape, groups: Int = 1, strides: [Int] = [1, 1], copyMs: Double = 0, singleMs: Double? = nil,
    forms: [TimeTable.Form] = [], slower: [String] = []
  ) throws -> LayerFacts {
    var builder = ModelBuilder()
    builder.addConvolution("conv", Tensor(shape: kernel, repeating: 1), groups: groups, extent: 22)
    let work = try LayerWork(try builder.model(), CompressionOptions())
    let row = TimeTable.Layer(
      name: "conv", kernel: kernel.extents, group: groups, input: [22, 22], output: [20, 20], repetitions: 1,
      ms: 2, forms: forms, slower: slower)
    var node = Node(name: "conv", opType: "Conv", inputs: ["x", "w"], outputs: ["y"])
    node.attributes.append(Attribute("strides", .ints(strides)))
    return LayerFacts(
      row: row, cost: try #require(work.costs[0]), node: node, lanes: 16, threads: 2, copyMs: copyMs,
      singleMs: singleMs)
  }

  private let fast = Roofline(gflops: 100, gigabytes: 1000)

  @Test func theBoundIsTheLongerOfTheTwo() {
    let roofline = Roofline(gflops: 100, gigabytes: 10)
    // 2 x 10^6 / 10^11 s, and 10^5 / 10^10 s.
    #expect(roofline.least(multiplies: 1_000_000, bytes: 100_000).ms == 0.02)
    let slow = roofline.least(multiplies: 1000, bytes: 100_000)
    #expect(slow.ms == 0.01 && slow.isMemoryBound)
  }

  @Test func whatStandsInTheWayIsNamed() throws {
    func words(_ facts: LayerFacts, _ roofline: Roofline) -> String {
      LayerDiagnosis(facts, op: "Conv", roofline).obstacles.joined(separator: "; ")
    }
    let even = try facts([32, 16, 3, 3])
    #expect(words(even, fast).isEmpty)
    #expect(words(even, Roofline(gflops: 1e6, gigabytes: 1)).contains("memory-bound"))
    // 20 channels fill 32 lanes.
    #expect(words(try facts([20, 16, 3, 3]), fast).contains("multiple of 16: 38 %"))
    #expect(words(try facts([32, 16, 3, 3], strides: [2, 2]), fast).contains("no Winograd form: stride 2"))
    #expect(words(try facts([32, 16, 7, 7]), fast).contains("a kernel of 7x7"))
    #expect(words(try facts([32, 16, 3, 3], copyMs: 0.5), fast).contains("layout changed: 25 %"))
    #expect(
      words(try facts([32, 16, 3, 3], singleMs: 2.2), fast).contains("too small for 2 threads: 1.1 times"))
    #expect(words(try facts([32, 1, 3, 3], groups: 32), fast).contains("depthwise"))
  }

  /// Times that grow with the rank pass those of the layer between 16 and 32: there the form breaks even.
  @Test func formsBreakEvenWhereTheyTakeAsLong() throws {
    let kernel: Shape = [32, 16, 3, 3]
    let forms = [16, 32].map { TimeTable.Form(form: "channel:\($0)", ms: $0 == 16 ? 1.5 : 3) }
    let facts = try facts(
      kernel, forms: forms + [TimeTable.Form(form: "cp3:16", ms: 5)], slower: ["cp3"])
    let diagnosis = LayerDiagnosis(facts, op: "Conv", fast)
    // 1.5 ms for 16 channels and 3 for 32: the layer's 2 ms are those of 21.3.
    #expect(diagnosis.breakEven.map(\.form) == ["channel:21"])
    #expect(diagnosis.slower == ["cp3"])
  }
}
