import Benchmark
import LinearAlgebra
import Tensors

/// Sizes m, k, n of a product [m, k] x [k, n]: square ones, and those of convolution stages.
private let sizes = [
  (64, 64, 64), (256, 256, 256), (1024, 1024, 1024),
  // A 1x1 stage from 256 channels to 64 on 56 x 56 positions, and a 3x3 core from 64 to 64 there.
  (64, 256, 3136), (64, 576, 3136),
]

/// `sgemm` as the package calls it: one product into a new matrix.
func addMatrixProducts() {
  for (m, k, n) in sizes {
    Benchmark("sgemm \(m)x\(k)x\(n)") { (benchmark, operands: Operands) in
      BLASLibrary.withThreads(1) {
        for _ in benchmark.scaledIterations { blackHole(matrixProduct(operands.a, operands.b)) }
      }
    } setup: {
      Operands(m: m, k: k, n: n)
    }
  }
}

/// Two random matrices that can be multiplied.
private struct Operands {
  let a: Tensor<Float>
  let b: Tensor<Float>

  init(m: Int, k: Int, n: Int) {
    var random = SeededGenerator(seed: 1)
    a = random.tensor([m, k])
    b = random.tensor([k, n])
  }
}
