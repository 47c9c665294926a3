import Benchmark
import Decompose
import LinearAlgebra
import Tensors

/// Tucker-2 of kernels [T, S, 3, 3] to half their channels, and to a quarter for the largest.
func addDecompositions() {
  for (outputs, inputs, divisor) in [(64, 64, 2), (256, 256, 2), (512, 512, 4)] {
    for algorithm in Tucker2Algorithm.allCases {
      let (outputRank, inputRank) = (outputs / divisor, inputs / divisor)
      let name = "tucker2 \(algorithm.rawValue) \(outputs)x\(inputs)x3x3 to \(outputRank),\(inputRank)"
      Benchmark(name) { (benchmark, kernel: Tensor<Float>) in
        try BLASLibrary.withThreads(1) {
          for _ in benchmark.scaledIterations {
            blackHole(
              try tucker2(kernel, outputRank: outputRank, inputRank: inputRank, algorithm: algorithm))
          }
        }
      } setup: {
        SeededGenerator.kernel([outputs, inputs, 3, 3])
      }
    }
  }
}
