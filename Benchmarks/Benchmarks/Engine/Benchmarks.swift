import Benchmark
import LinearAlgebra

/// Every benchmark of this target. All of them run on one thread, the BLAS too.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .throughput, .peakMemoryResident], warmupIterations: 2, maxDuration: .seconds(2),
    maxIterations: 10_000)
  addMatrixProducts()
  addDecompositions()
  addConvolutions()
}
