import Forms
import Tensors

/// The dense kernel of a factored one by its formula: plain loops in Double over every term of the sum.
func naiveReconstruction<E: Scalar>(_ kernel: FactoredKernel<E>) -> Tensor<Double> {
  let shape = kernel.kernelShape
  let (outputs, inputs) = (shape[0], shape[1])
  let taps = shape.count / (outputs * inputs)
  var sum = [Double](repeating: 0, count: shape.count)
  /// Adds `a[t, d] b[s, d]` for every element, d the place among the taps.
  func add(_ a: (Int, Int) -> Double, _ b: (Int, Int) -> Double) {
    for t in 0..<outputs {
      for d in 0..<taps {
        let factor = a(t, d)
        for s in 0..<inputs { sum[(t * inputs + s) * taps + d] += factor * b(s, d) }
      }
    }
  }
  func numbers(_ tensor: Tensor<E>) -> [Double] { tensor.elements.map { Double($0) } }
  let width = shape.order == 4 ? shape[3] : 1
  if let f = Tucker2Factors(kernel) {
    let (core, mode1, mode2, r1, r2) = (
      numbers(f.core), numbers(f.mode1), numbers(f.mode2), f.outputRank, f.inputRank
    )
    for a in 0..<r1 {
      for b in 0..<r2 {
        add({ mode1[$0 * r1 + a] * core[(a * r2 + b) * taps + $1] }, { s, _ in mode2[s * r2 + b] })
      }
    }
  } else if let f = CP3Factors(kernel) {
    let (mode1, mode2, spatial, rank) = (numbers(f.mode1), numbers(f.mode2), numbers(f.kernel), f.rank)
    for r in 0..<rank {
      add({ t, d in mode1[t * rank + r] * spatial[r * taps + d] }, { s, _ in mode2[s * rank + r] })
    }
  } else if let f = CP4Factors(kernel) {
    let (mode1, mode2, rank) = (numbers(f.mode1), numbers(f.mode2), f.rank)
    let (vertical, horizontal) = (numbers(f.vertical), numbers(f.horizontal))
    for r in 0..<rank {
      add(
        { t, d in mode1[t * rank + r] * vertical[r * taps / width + d / width] },
        { s, d in mode2[s * rank + r] * horizontal[r * width + d % width] })
    }
  } else if let f = StagePair(kernel) {
    let (first, second, rank) = (numbers(f.first), numbers(f.second), f.rank)
    let (inner, outer) = (first.count / (rank * inputs), second.count / (outputs * rank))
    // The place among a stage's own taps: its axis of a spatial form, all or nothing of a channel form.
    func place(_ d: Int, _ count: Int, _ stage: Tensor<E>) -> Int {
      if f.form.kind.family == FormKind.channel.name { return count == taps ? d : 0 }
      return stage.shape[3] == 1 ? d / width : d % width
    }
    for r in 0..<rank {
      add(
        { t, d in second[(t * rank + r) * outer + (outer == 1 ? 0 : place(d, outer, f.second))] },
        { s, d in first[(r * inputs + s) * inner + (inner == 1 ? 0 : place(d, inner, f.first))] })
    }
  } else if let f = MatrixFactors(kernel) {
    let (left, right, rank) = (numbers(f.left), numbers(f.right), f.rank)
    for r in 0..<rank { add({ t, _ in left[t * rank + r] }, { s, _ in right[r * inputs + s] }) }
  }
  return Tensor(shape: shape, elements: sum)
}

/// `||a - b|| / ||a||`, scaled so that squares stay in range.
func relativeDistance<E: Scalar>(_ a: Tensor<E>, _ b: Tensor<Double>) -> Double {
  let largest = a.elements.reduce(0) { max($0, abs(Double($1))) }
  guard largest > 0 else { return 0 }
  let pairs = zip(a.elements, b.elements).map { (Double($0) / largest, $1 / largest) }
  let difference = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  return (difference / pairs.reduce(0) { $0 + $1.0 * $1.0 }).squareRoot()
}
