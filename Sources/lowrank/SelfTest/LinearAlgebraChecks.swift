import LinearAlgebra
import Tensors

/// The routines of BLAS and LAPACK that the engine lives on, against plain loops in Double and their own definitions.
struct LinearAlgebraChecks<Element: LapackScalar> {
  private let epsilon = Double(Element.ulpOfOne)
  /// Odd, prime and square sizes, and ones past the blocking of the library's kernels.
  private static var sizes: [(m: Int, n: Int, k: Int)] {
    [(1, 1, 1), (7, 5, 3), (16, 16, 16), (31, 67, 129), (64, 1, 200), (130, 97, 257)]
  }

  func run() -> [SelfCheck] {
    var checks: [SelfCheck] = []
    for (place, size) in Self.sizes.enumerated() {
      var numbers = SeededGenerator(seed: UInt64(place))
      checks += gemm(size, &numbers)
      let matrix = numbers.tensor([size.m, size.n], of: Element.self)
      checks += [syrk(matrix), svd(matrix), eigen(matrix)]
    }
    return checks
  }

  /// A sum of k products is within k epsilon of the sum of their magnitudes in any order, and that is at most k.
  private func gemm(_ size: (m: Int, n: Int, k: Int), _ numbers: inout SeededGenerator) -> [SelfCheck] {
    let a = numbers.tensor([size.m, size.k], of: Element.self)
    let b = numbers.tensor([size.k, size.n], of: Element.self)
    let expected = product(a, b)
    let (aT, bT) = (a.permuted([1, 0]), b.permuted([1, 0]))
    let results = [
      ("NN", matrixProduct(a, b)), ("TN", matrixProduct(aT, b, transposeA: true)),
      ("NT", matrixProduct(a, bT, transposeB: true)),
      ("TT", matrixProduct(aT, bT, transposeA: true, transposeB: true)),
    ]
    return results.map { form, result in
      let error = largestDifference(doubles(result), expected) / (Double(size.k * size.k) * epsilon)
      return check("gemm \(form) \(size.m)x\(size.n)x\(size.k)", "BLAS", error)
    }
  }

  private func syrk(_ matrix: Tensor<Element>) -> SelfCheck {
    let expected = product(matrix, matrix.permuted([1, 0]))
    let gram = matrix.gramMatrix(mode: 1)
    // Accumulated in Double whatever the elements are.
    let error =
      largestDifference(gram.elements, expected)
      / (Double(matrix.shape[1] * matrix.shape[1]) * Double.ulpOfOne)
    return check("syrk \(matrix.shape)", "BLAS", error)
  }

  /// U diag(s) V^T is the matrix, to a few epsilon of its norm; the norm of these matrices is at most their size.
  private func svd(_ matrix: Tensor<Element>) -> SelfCheck {
    guard let svd = try? matrix.singularValueDecomposition() else {
      return check("gesdd \(matrix.shape)", "LAPACK", .infinity)
    }
    let rank = svd.values.count
    let scaled = Tensor(
      shape: svd.left.shape, elements: svd.left.elements.enumerated().map { $1 * svd.values[$0 % rank] })
    let rebuilt = product(scaled, svd.rightTransposed)
    let room = 10 * Double(matrix.shape[0] + matrix.shape[1]) * epsilon
    return check("gesdd \(matrix.shape)", "LAPACK", largestDifference(rebuilt, doubles(matrix)) / room)
  }

  /// A V = V diag(w), column by column, for A = M M^T.
  private func eigen(_ matrix: Tensor<Element>) -> SelfCheck {
    let gram = matrix.gramMatrix(mode: 1)
    let size = gram.shape[0]
    guard let eigen = try? gram.symmetricEigendecomposition() else {
      return check("syevd \(size)", "LAPACK", .infinity)
    }
    let left = product(gram, eigen.vectors)
    let right = eigen.vectors.elements.enumerated().map { $1 * eigen.values[$0 % size] }
    // The norm of the Gram matrix is at most its trace, its size times the columns.
    let room = 10 * Double(size * size * matrix.shape[1]) * Double.ulpOfOne
    return check("syevd \(size)", "LAPACK", largestDifference(left, right) / room)
  }

  private func check(_ name: String, _ library: String, _ error: Double) -> SelfCheck {
    SelfCheck(
      name: "\(Element.name) \(name)", library: "\(library) (\(BLASLibrary.core) kernels)", error: error)
  }

  private func doubles(_ tensor: Tensor<Element>) -> [Double] { tensor.elements.map { Double($0) } }

  /// The product by plain loops in Double.
  private func product<E: Scalar>(_ a: Tensor<E>, _ b: Tensor<E>) -> [Double] {
    let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
    let (x, y) = (a.elements.map { Double($0) }, b.elements.map { Double($0) })
    var result = [Double](repeating: 0, count: m * n)
    for i in 0..<m {
      for l in 0..<k {
        for j in 0..<n { result[i * n + j] += x[i * k + l] * y[l * n + j] }
      }
    }
    return result
  }
}
