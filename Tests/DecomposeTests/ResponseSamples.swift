import Decompose
import LinearAlgebra
import Tensors

/// Samples of a layer's patches and responses, the raw data behind `ResponseMoments`.
struct ResponseSamples {
  /// [N, n].
  var patches: Tensor<Double>
  /// [N, T].
  var responses: Tensor<Double>

  var count: Int { patches.shape[0] }

  /// Patches whose numbers go together as those of an image do: a few random causes, some noise, and a mean; responses
  /// are those of the kernel, times `1 + asymmetry` and with noise of that size.
  init(
    _ kernel: Tensor<Float>, count: Int, asymmetry: Double = 0, mean: Double = 0.5, seed: UInt64
  ) {
    var random = SeededGenerator(seed: seed)
    let n = kernel.count / kernel.shape[0]
    let causes = max(1, n / 3)
    // The mixing is the layer's, not the sample's: held-out samples have the same.
    var layer = SeededGenerator(seed: 99)
    let mixing: Tensor<Double> = layer.tensor([causes, n])
    let offsets: Tensor<Double> = layer.tensor([1, n])
    var sources: Tensor<Double> = random.tensor([count, causes])
    sources.withMutableSpan { span in
      for i in span.indices { span[i] /= Double(1 + i % causes) }
    }
    var patches = matrixProduct(sources, mixing)
    patches.withMutableSpan { span in
      offsets.withSpan { offsets in
        for i in span.indices { span[i] += mean * offsets[i % n] + 0.1 * random.symmetric() }
      }
    }
    let rows = kernel.reshaped([kernel.shape[0], n]).converted(to: Double.self)
    var responses = matrixProduct(patches, rows, transposeB: true)
    if asymmetry > 0 {
      responses.withMutableSpan { span in
        for i in span.indices { span[i] = (1 + asymmetry) * span[i] + asymmetry * (random.symmetric() + 0.3) }
      }
    }
    (self.patches, self.responses) = (patches, responses)
  }

  /// A part of the samples.
  func part(_ range: Range<Int>) -> ResponseSamples {
    var part = self
    part.patches = Tensor(patches.view.sliced(axis: 0, range))
    part.responses = Tensor(responses.view.sliced(axis: 0, range))
    return part
  }

  /// The sums.
  var moments: ResponseMoments {
    func columnSums(_ matrix: Tensor<Double>, _ value: (Double) -> Double = { $0 }) -> [Double] {
      var sums = [Double](repeating: 0, count: matrix.shape[1])
      for (i, element) in matrix.elements.enumerated() { sums[i % sums.count] += value(element) }
      return sums
    }
    return ResponseMoments(
      count: count, patchSum: columnSums(patches), responseSum: columnSums(responses),
      patchGram: matrixProduct(patches, patches, transposeA: true),
      crossGram: matrixProduct(responses, patches, transposeA: true),
      responseEnergy: columnSums(responses) { $0 * $0 })
  }

  /// The columns less their means, or less given ones.
  static func centred(_ matrix: Tensor<Double>, by means: [Double]? = nil) -> Tensor<Double> {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let means = means ?? Self.means(matrix)
    return Tensor(
      shape: [rows, columns],
      elements: matrix.elements.enumerated().map { $1 - means[$0 % columns] })
  }

  static func means(_ matrix: Tensor<Double>) -> [Double] {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    var sums = [Double](repeating: 0, count: columns)
    for (i, element) in matrix.elements.enumerated() { sums[i % columns] += element / Double(rows) }
    return sums
  }

  /// The relative error of a kernel with a bias shift on these samples, straight from the definition; the responses vary
  /// about `centre`.
  func relativeError(_ kernel: Tensor<Double>, bias: [Double], centre: [Double]) -> Double {
    let rows = kernel.reshaped([kernel.shape[0], kernel.count / kernel.shape[0]])
    let given = matrixProduct(patches, rows, transposeB: true).elements
    let (outputs, wanted) = (centre.count, responses.elements)
    var (lost, whole) = (0.0, 0.0)
    for i in given.indices {
      let shift = bias.isEmpty ? 0 : bias[i % outputs]
      lost += (wanted[i] - given[i] - shift) * (wanted[i] - given[i] - shift)
      whole += (wanted[i] - centre[i % outputs]) * (wanted[i] - centre[i % outputs])
    }
    return (lost / whole).squareRoot()
  }
}
