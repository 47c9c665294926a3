import AllocationCounter
import Network
import Tensors
import TestSupport
import Testing

@Suite struct PreparedRunTests {
  private let images: [Tensor<Float>] = (1...2).map { seed in
    var generator = SeededGenerator(seed: UInt64(seed))
    return generator.tensor([1, 1, 28, 28])
  }

  private func network() throws -> (Network, input: String) {
    let network = try Network(contentsOf: Vectors.example("mnist.onnx"))
    return (network, try #require(network.inputs.first?.name))
  }

  @Test func repeatedRunsMakeTheSame() throws {
    let (network, input) = try network()
    let expected = try network.run([input: NetworkTensor(images[0])])
    let run = try network.makeSession().prepare([input: NetworkTensor(images[0])])
    #expect(run.results() == expected)
    try run.execute()
    #expect(run.results() == expected)
  }

  /// The memory is the session's, the inputs are the run's own.
  @Test func otherRunsOfTheSessionDoNotDisturb() throws {
    let (network, input) = try network()
    let session = network.makeSession()
    let run = try session.prepare([input: NetworkTensor(images[0])])
    let expected = run.results()
    let others = try session.run([input: NetworkTensor(images[1])])
    #expect(others != expected)
    try run.execute()
    #expect(run.results() == expected)
  }

  /// Only where the compiler optimises: otherwise every closure is an allocation.
  @Test(.enabled(if: isOptimised), arguments: [1, 2])
  func aSteadyRunAllocatesNothing(threads: Int) throws {
    let network = try Network(
      contentsOf: Vectors.example("mnist.onnx"), options: NetworkOptions(threads: threads))
    let input = try #require(network.inputs.first?.name)
    let run = try network.makeSession().prepare([input: NetworkTensor(images[0])])
    for _ in 0..<10 { try run.execute() }
    let before = lowrank_allocations()
    for _ in 0..<200 { try run.execute() }
    #expect(lowrank_allocations() == before)
  }

  @Test func everyStepIsTold() throws {
    let (network, input) = try network()
    let run = try network.makeSession().prepare([input: NetworkTensor(images[0])])
    var steps: [Int] = []
    try run.execute { steps.append($0) }
    #expect(steps == Array(run.steps.indices))
    let multiplies = run.steps.reduce(0) { $0 + $1.multiplies }
    // What `lowrank inspect` says of the example.
    #expect(multiplies == 22_050_560)
    #expect(run.arenaByteCount > 0 && network.weightByteCount >= 4 * 425_504)
  }
}
