import LinearAlgebra
import Tensors

/// The squared singular values of an unfolding behind the leading ones: by an SVD in Double, where HOSVD takes the
/// eigenvalues of Gram matrices.
func discardedEnergy(_ tensor: Tensor<Double>, mode: Int, rank: Int) throws -> Double {
  try tensor.unfolded(mode: mode).singularValues().dropFirst(rank).reduce(0) { $0 + $1 * $1 }
}

/// What theory says of the squared relative errors of a kernel's Tucker-2 decompositions, from singular values alone.
struct Tucker2Theory {
  /// The bound of HOSVD: what both unfoldings leave out (De Lathauwer et al. 2000, property 10).
  let hosvd: Double
  /// The error of ST-HOSVD that begins with mode 1, or with mode 2: what the first unfolding leaves out, and the other one of
  /// the kernel projected on what it keeps (Vannieuwenhoven et al. 2012, theorem 5.1).
  let sequential: (fromMode1: Double, fromMode2: Double)

  init(_ kernel: Tensor<Double>, outputRank: Int, inputRank: Int) throws {
    let ranks = [outputRank, inputRank]
    let total = kernel.squaredNorm
    func sequentialError(first: Int) throws -> Double {
      let unfolding = kernel.unfolded(mode: first)
      let rank = min(ranks[first - 1], unfolding.shape[0], unfolding.shape[1])
      let basis = try unfolding.singularValueDecomposition(leading: rank).left
      let projected = kernel.modeProduct(basis, mode: first, transposed: true)
      let left = try discardedEnergy(kernel, mode: first, rank: rank)
      return try (left + discardedEnergy(projected, mode: 3 - first, rank: ranks[2 - first])) / total
    }
    let outputs = try discardedEnergy(kernel, mode: 1, rank: outputRank)
    let inputs = try discardedEnergy(kernel, mode: 2, rank: inputRank)
    hosvd = (outputs + inputs) / total
    sequential = (try sequentialError(first: 1), try sequentialError(first: 2))
  }
}
