import Decompose
import Forms
import Tensors

/// Numbers between -1 and 1 that are the same in every run.
func randomTensor(_ shape: Shape, seed: UInt64) -> Tensor<Float> {
  var state = seed
  return Tensor(
    shape: shape,
    elements: (0..<shape.count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int32(truncatingIfNeeded: state >> 32)) / 0x1p31
    })
}

/// A 3x3 kernel as trained ones are: of low rank, with some noise.
func trainedKernel(outputs: Int, inputs: Int, rank: Int) -> Tensor<Float> {
  let terms = CP3Factors(
    mode1: randomTensor([outputs, rank], seed: 1), mode2: randomTensor([inputs, rank], seed: 2),
    kernel: randomTensor([rank, 3, 3], seed: 3))
  let noise = randomTensor([outputs, inputs, 3, 3], seed: 4)
  return Tensor(
    shape: noise.shape, elements: zip(terms.reconstructed().elements, noise.elements).map { $0 + 0.05 * $1 })
}

/// `||a - b|| / ||a||`
func relativeDifference(_ a: Tensor<Float>, _ b: Tensor<Float>) -> Double {
  let pairs = zip(a.elements, b.elements)
  let difference = pairs.reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
  return (difference / a.elements.reduce(0.0) { $0 + Double($1 * $1) }).squareRoot()
}

/// Four digits behind the point.
func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
