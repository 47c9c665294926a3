import TensorCore

/// The dense kernel of a factored one by its formula, one element after the other.
func naiveReconstruction<E: Scalar>(_ kernel: FactoredKernel<E>) -> Tensor<Double> {
  let shape = kernel.kernelShape
  let strides = shape.strides
  let elements = (0..<shape.count).map { position in
    let index = (0..<shape.order).map { position / strides[$0] % shape[$0] }
    return element(kernel, index)
  }
  return Tensor(shape: shape, elements: elements)
}

private func element<E: Scalar>(_ kernel: FactoredKernel<E>, _ index: [Int]) -> Double {
  let (t, s, taps) = (index[0], index[1], Array(index.dropFirst(2)))
  func at(_ tensor: Tensor<E>, _ index: [Int]) -> Double {
    let offset = zip(index, tensor.shape.strides).reduce(0) { $0 + $1.0 * $1.1 }
    return tensor.withSpan { Double($0[offset]) }
  }
  switch kernel {
  case .tucker2(let f):
    return (0..<f.outputRank).reduce(0) { sum, a in
      (0..<f.inputRank).reduce(sum) {
        $0 + at(f.core, [a, $1] + taps) * at(f.mode1, [t, a]) * at(f.mode2, [s, $1])
      }
    }
  case .cp3(let f):
    return (0..<f.rank).reduce(0) {
      $0 + at(f.mode1, [t, $1]) * at(f.mode2, [s, $1]) * at(f.kernel, [$1] + taps)
    }
  case .cp4(let f):
    return (0..<f.rank).reduce(0) {
      $0 + at(f.mode1, [t, $1]) * at(f.mode2, [s, $1]) * at(f.vertical, [$1, taps[0]])
        * at(f.horizontal, [$1, taps[1]])
    }
  case .pair(let f):
    // On the axes that a stage leaves alone its extent is 1, and so the index 0.
    func tapsOf(_ stage: Tensor<E>) -> [Int] {
      zip(taps, stage.shape.extents.dropFirst(2)).map { $1 == 1 ? 0 : $0 }
    }
    return (0..<f.rank).reduce(0) {
      $0 + at(f.second, [t, $1] + tapsOf(f.second)) * at(f.first, [$1, s] + tapsOf(f.first))
    }
  case .svd(let f):
    return (0..<f.rank).reduce(0) { $0 + at(f.left, [t, $1]) * at(f.right, [$1, s]) }
  }
}

/// `||a - b|| / ||a||`, scaled so that squares stay in range.
func relativeDistance<E: Scalar>(_ a: Tensor<E>, _ b: Tensor<Double>) -> Double {
  let largest = a.elements.reduce(0) { max($0, abs(Double($1))) }
  guard largest > 0 else { return 0 }
  let pairs = zip(a.elements, b.elements).map { (Double($0) / largest, $1 / largest) }
  let difference = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  return (difference / pairs.reduce(0) { $0 + $1.0 * $1.0 }).squareRoot()
}
