import Forms
import LinearAlgebra
import TestSupport
import Tensors
import Testing

@testable import Decompose

/// Fits in which errors of the responses count unlike.
@Suite struct ResponseMetricTests {
  /// Rounding of the factors to Float before and after the metric's root, whose condition is under 40 here.
  private static let tolerance = 2e-5

  /// A metric of gradients of very different lengths that go together.
  private static func metric(_ outputs: Int, seed: UInt64) throws -> ResponseMetric {
    var random = SeededGenerator(seed: seed)
    var gradients: Tensor<Double> = random.tensor([outputs + 2, outputs])
    gradients.withMutableSpan { span in
      for place in span.indices { span[place] *= Double(1 + 3 * (place % outputs)) }
    }
    return try #require(
      ResponseMetric(gram: matrixProduct(gradients, gradients, transposeA: true)))
  }

  private static func identity(_ order: Int) -> Tensor<Double> {
    Tensor(shape: [order, order], elements: (0..<order * order).map { $0 % (order + 1) == 0 ? 1 : 0 })
  }

  private static func weighed(_ samples: ResponseSamples, _ metric: ResponseMetric) -> ResponseSamples {
    var samples = samples
    samples.responses = metric.weighed(responses: samples.responses)
    return samples
  }

  /// The relative error of a kernel and a bias, both as the layer has them, straight from the definition.
  private static func error(
    _ kernel: Tensor<Double>, bias: [Double], _ samples: ResponseSamples, _ metric: ResponseMetric
  ) -> Double {
    let outputs = kernel.shape[0]
    let given = naiveProduct(
      samples.patches, kernel.reshaped([outputs, kernel.count / outputs]).permuted([1, 0]))
    let shifted = Tensor<Double>(
      shape: given.shape,
      elements: given.elements.enumerated().map { $1 + (bias.isEmpty ? 0 : bias[$0 % outputs]) })
    let lost = metric.weighed(responses: samples.responses.plus(shifted, times: -1))
    let whole = metric.weighed(responses: ResponseSamples.centred(samples.responses))
    return (lost.squaredNorm / whole.squaredNorm).squareRoot()
  }

  /// What a form claims is what its factors are worth in the metric, in the layer's own coordinates, and never worse than what
  /// the weights' norm gives; where a closed form is the optimum, never worse than the plain fit either.
  @Test(arguments: ResponseFormTests.cases) func fitsInTheMetric(_ test: ResponseFormTests.Case) throws {
    let form = FactoredForm(test.kind, ranks: test.ranks)
    var random = SeededGenerator(seed: 7)
    let kernel = Tensor<Float>.decayingKernel(test.shape, using: &random)
    let metric = try Self.metric(test.shape[0], seed: 5)
    for asymmetry in [0, 0.2] {
      let samples = ResponseSamples(kernel, count: 80, asymmetry: asymmetry, seed: 11)
      let plain = try ResponseProblem(kernel: kernel, moments: samples.moments, fitsBias: true)
      let problem = try ResponseProblem(
        kernel: kernel, moments: Self.weighed(samples, metric).moments, fitsBias: true, metric: metric)
      let analysis = try problem.analysis(test.kind)
      let found = try analysis.decomposition(form)
      let response = try #require(found.response)
      let dense = found.kernel.converted(to: Double.self).reconstructed()
      let error = Self.error(dense, bias: response.biasShift, samples, metric)
      #expect(abs(response.relativeError - error) < Self.tolerance)
      let lost = dense.plus(kernel.converted(), times: -1).squaredNorm
      #expect(abs(found.relativeError - (lost / kernel.squaredNorm).squareRoot()) < Self.tolerance)
      let weights = problem.certificate(of: try decompose(kernel, into: form).kernel)
      #expect(response.fittedError <= weights.fittedError + Self.tolerance)
      #expect(response.fittedError <= (try analysis.relativeError(form)) + Self.tolerance)
      let mapped = analysis.mapped(found) { $0 }
      #expect(mapped.kernel.parts == found.kernel.parts)
      #expect(mapped.response == response)
      guard !ResponseProblem.startsFromWeights(test.kind, kernel: test.shape) else { continue }
      let other = problem.certificate(of: try plain.analysis(test.kind).decomposition(form).kernel)
      #expect(response.fittedError <= other.fittedError + Self.tolerance)
    }
  }

  /// The one response that counts is met where ranks are short, and at the others' cost.
  @Test func whatCountsIsMet() throws {
    var random = SeededGenerator(seed: 2)
    let kernel: Tensor<Float> = random.tensor([6, 3, 3, 3])
    let samples = ResponseSamples(kernel, count: 200, seed: 3)
    var gram = Tensor<Double>(shape: [6, 6])
    gram[4, 4] = 3
    let metric = try #require(ResponseMetric(gram: gram))
    func lost(_ problem: ResponseProblem) throws -> [Double] {
      let found = try problem.analysis(.channel).decomposition(.channel(rank: 1))
      let dense = found.kernel.converted(to: Double.self).reconstructed()
      let given = naiveProduct(samples.patches, dense.reshaped([6, 27]).permuted([1, 0]))
      let errors = ResponseSamples.centred(samples.responses.plus(given, times: -1)).elements
      return (0..<6).map { t in
        errors.enumerated().reduce(0) { $0 + ($1.offset % 6 == t ? $1.element * $1.element : 0) }
      }
    }
    let own = try lost(
      ResponseProblem(
        kernel: kernel, moments: Self.weighed(samples, metric).moments, fitsBias: true, metric: metric))
    let plain = try lost(ResponseProblem(kernel: kernel, moments: samples.moments, fitsBias: true))
    #expect(own[4] < 0.05 * plain[4], "\(own) \(plain)")
    #expect(own.reduce(0, +) > plain.reduce(0, +))
  }

  /// Errors that all count alike are those of a fit without a metric.
  @Test func identityChangesNothing() throws {
    var random = SeededGenerator(seed: 4)
    let kernel = Tensor<Float>.decayingKernel([5, 4, 3, 3], using: &random)
    let samples = ResponseSamples(kernel, count: 90, asymmetry: 0.1, seed: 3)
    let metric = try #require(ResponseMetric(gram: Self.identity(5).scaled(by: 1e-30)))
    let plain = try ResponseProblem(kernel: kernel, moments: samples.moments, fitsBias: true)
    let own = try ResponseProblem(
      kernel: kernel, moments: Self.weighed(samples, metric).moments, fitsBias: true, metric: metric)
    for kind in FormKind.lowRank where kind.fits(kernel: kernel.shape) {
      let form = FactoredForm(kind, ranks: kind.fullRanks(kernel: kernel.shape).map { max(1, $0 / 2) })
      let (a, b) = (try plain.analysis(kind).decomposition(form), try own.analysis(kind).decomposition(form))
      let (first, second) = (try #require(a.response), try #require(b.response))
      #expect(abs(first.relativeError - second.relativeError) < Self.tolerance, "\(kind)")
    }
  }

  /// Gradients of nothing, and such that are no numbers, are no metric.
  @Test func noMetric() {
    #expect(ResponseMetric(gram: Tensor<Double>(shape: [3, 3])) == nil)
    var gram = Self.identity(3)
    gram[1, 1] = .nan
    #expect(ResponseMetric(gram: gram) == nil)
    gram[1, 1] = .infinity
    #expect(ResponseMetric(gram: gram) == nil)
  }
}
