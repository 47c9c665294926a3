import Tensors

/// The product of two matrices by plain loops in Double: the oracle for everything that uses BLAS.
public func naiveProduct<E: Scalar>(_ a: Tensor<E>, _ b: Tensor<E>) -> Tensor<Double> {
  let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
  // Once, since a conversion takes longer than a product where nothing is optimised.
  let (x, y) = (a.elements.map { Double($0) }, b.elements.map { Double($0) })
  var product = [Double](repeating: 0, count: m * n)
  for i in 0..<m {
    for l in 0..<k {
      for j in 0..<n { product[i * n + j] += x[i * k + l] * y[l * n + j] }
    }
  }
  return Tensor(shape: [m, n], elements: product)
}

/// The largest absolute difference of two tensors of the same shape; infinite where one is NaN.
public func largestDifference<A: Scalar, B: Scalar>(_ a: Tensor<A>, _ b: Tensor<B>) -> Double {
  precondition(a.shape == b.shape, "\(a.shape) compared with \(b.shape)")
  return zip(a.elements, b.elements).reduce(0) { worst, pair in
    let difference = abs(Double(pair.0) - Double(pair.1))
    return difference.isNaN ? .infinity : max(worst, difference)
  }
}

/// How far the columns of a matrix are from orthonormal: the largest element of |Q^T Q - I|.
public func orthonormalityDefect<E: Scalar>(_ q: Tensor<E>) -> Double {
  let n = q.shape[1]
  let identity = Tensor<Double>(shape: [n, n], elements: (0..<(n * n)).map { $0 % (n + 1) == 0 ? 1 : 0 })
  return largestDifference(naiveProduct(q.permuted([1, 0]), q), identity)
}
