import Forms
import LinearAlgebra
import TestSupport
import Tensors
import Testing

@testable import Decompose

/// The fit to data against explicit samples.
@Suite struct ResponseProblemTests {
  private static func kernel(_ shape: Shape, seed: UInt64 = 3) -> Tensor<Float> {
    var random = SeededGenerator(seed: seed)
    return .decayingKernel(shape, using: &random)
  }

  /// What the certificate claims, to the rounding of sums of squares: the root of Double's epsilon times the number of
  /// terms, relative to the responses.
  private static let tolerance = 1e-7

  @Test("claimed errors are those on the raw samples", arguments: [(0.0, true), (0.2, true), (0.2, false)])
  func claims(asymmetry: Double, fitsBias: Bool) throws {
    let kernel = Self.kernel([7, 5, 3, 2])
    let samples = ResponseSamples(kernel, count: 200, asymmetry: asymmetry, seed: 1)
    let others = ResponseSamples(kernel, count: 70, asymmetry: asymmetry, seed: 2)
    let problem = try ResponseProblem(
      kernel: kernel, moments: samples.moments, heldOut: others.moments, fitsBias: fitsBias)
    let analysis = try problem.analysis(.channel)
    let centre = fitsBias ? ResponseSamples.means(samples.responses) : [Double](repeating: 0, count: 7)
    for rank in 1...7 {
      let found = try analysis.decomposition(.channel(rank: rank))
      let response = try #require(found.response)
      let dense = found.kernel.converted(to: Double.self).reconstructed()
      let error = samples.relativeError(dense, bias: response.biasShift, centre: centre)
      #expect(abs(response.relativeError - error) < Self.tolerance, "rank \(rank)")
      let heldOut = others.relativeError(dense, bias: response.biasShift, centre: centre)
      let claimed = try #require(response.heldOutError)
      #expect(abs(claimed - heldOut) < Self.tolerance, "rank \(rank)")
      #expect(response.biasShift.count == (fitsBias ? 7 : 0))
      #expect(response.positions == 200)
      #expect(found.relativeError == certifiedError(kernel, found.kernel))
      // Float factors move the optimum by their rounding alone.
      let expected = try analysis.relativeError(.channel(rank: rank))
      #expect(abs(response.fittedError - expected) < 1e-6)
    }
  }

  /// Least squares on the samples, with the ridge as further samples, by a QR-based solver: neither normal equations nor
  /// a mean that is subtracted from sums.
  @Test(arguments: [0.0, 0.2]) func closedFormsAreLeastSquares(asymmetry: Double) throws {
    let kernel = Self.kernel([6, 4, 3])
    let samples = ResponseSamples(kernel, count: 150, asymmetry: asymmetry, seed: 5)
    let problem = try ResponseProblem(kernel: kernel, moments: samples.moments, fitsBias: true)
    let (x, y) = Self.augmented(samples, kernel, ridge: problem.ridge)
    let solution = try x.leastSquares(y).solution
    // The condition of the sums is that of the samples squared, 1e4 here.
    #expect(largestDifference(problem.fit.best, solution.permuted([1, 0])) < 1e-9)
    // Reduced-rank regression: what the fitted responses lose behind each rank, and what no kernel explains.
    let fitted = naiveProduct(x, solution)
    let values = try fitted.singularValues().map { $0 * $0 }
    let whole = y.elements.reduce(0) { $0 + $1 * $1 }
    let unexplained = zip(y.elements, fitted.elements).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let analysis = try problem.analysis(.channel)
    for rank in 1...6 {
      let optimum = ((unexplained + values.dropFirst(rank).reduce(0, +)) / whole).squareRoot()
      let error = try analysis.relativeError(.channel(rank: rank))
      #expect(abs(error - optimum) < Self.tolerance, "rank \(rank)")
    }
    #expect(abs(problem.energy - whole / 150) < 1e-9 * problem.energy)
  }

  /// Centred samples with `x = sqrt(N ridge) e_i`, `y = K x` behind them.
  private static func augmented(
    _ samples: ResponseSamples, _ kernel: Tensor<Float>, ridge: Double
  ) -> (Tensor<Double>, Tensor<Double>) {
    let (n, outputs) = (samples.patches.shape[1], samples.responses.shape[1])
    let length = (ridge * Double(samples.count)).squareRoot()
    let rows = kernel.reshaped([outputs, n]).converted(to: Double.self)
    let unit = (0..<(n * n)).map { $0 % (n + 1) == 0 ? length : 0 }
    let x = ResponseSamples.centred(samples.patches).elements + unit
    let y =
      ResponseSamples.centred(samples.responses).elements
      + rows.permuted([1, 0]).elements.map { length * $0 }
    let count = samples.count + n
    return (Tensor(shape: [count, n], elements: x), Tensor(shape: [count, outputs], elements: y))
  }

  /// Few noisy samples want a stronger pull towards the kernel than many; the choice is a local optimum on the held-out
  /// samples, by the errors of the truncated kernels on the raw ones.
  @Test func ridgeIsChosenOnHeldOutData() throws {
    let kernel = Self.kernel([8, 4, 3])
    let rows = kernel.reshaped([8, 12]).converted(to: Double.self)
    var chosen: [Int] = []
    for count in [14, 4000] {
      let samples = ResponseSamples(kernel, count: count, asymmetry: 0.3, seed: 5).moments
      let others = ResponseSamples(kernel, count: 500, asymmetry: 0.3, seed: 6)
      let problem = try ResponseProblem(
        kernel: kernel, moments: samples, heldOut: others.moments, fitsBias: true)
      let fitted = CentredMoments(samples, about: samples, kernel: rows)
      let covariance = fitted.covariance()
      let centre = samples.responseMean
      let scores = try RidgeChoice.parts.map { part in
        let fit = try RidgeFit(
          kernel: rows, kernelProduct: fitted.kernelProduct, covariance: covariance, misfit: fitted.misfit,
          misfitEnergy: fitted.misfitEnergy, ridge: part * covariance.trace / 12)
        return [1, 2, 4].reduce(0.0) { sum, rank in
          let leading = fit.directions.leadingRows(rank)
          let cut = matrixProduct(leading, matrixProduct(leading, fit.best), transposeA: true)
          let given = cut.timesVector(samples.patchMean)
          let bias = zip(centre, given).map { $0 - $1 }
          return sum + others.relativeError(cut, bias: bias, centre: centre)
        }
      }
      let part = problem.ridge / (covariance.trace / 12)
      let place = try #require(RidgeChoice.parts.firstIndex { abs($0 / part - 1) < 1e-9 })
      for neighbour in [place - 1, place + 1] where scores.indices.contains(neighbour) {
        #expect(scores[place] <= scores[neighbour] * (1 + Self.tolerance))
      }
      chosen.append(place)
    }
    #expect(chosen[0] > chosen[1])
  }

  /// Begun where a former search ended, the search stays there; begun elsewhere it ends at a ridge of its own.
  @Test func aFormerRidgeIsWhereTheSearchBegins() throws {
    let kernel = Self.kernel([8, 4, 3])
    let samples = ResponseSamples(kernel, count: 14, asymmetry: 0.3, seed: 5).moments
    let others = ResponseSamples(kernel, count: 500, asymmetry: 0.3, seed: 6).moments
    func part(from start: Double?, heldOut: ResponseMoments?) throws -> Double {
      try ResponseProblem(
        kernel: kernel, moments: samples, heldOut: heldOut, fitsBias: true, ridgePart: start
      ).ridgePart
    }
    let found = try part(from: nil, heldOut: others)
    #expect(found != RidgeChoice.defaultPart)
    #expect(try part(from: found, heldOut: others) == found)
    // Without data held out it is where it was said to be.
    #expect(try part(from: 1e-5, heldOut: nil) == 1e-5 && part(from: nil, heldOut: nil) == 1e-3)
  }

  @Test func partsOfTheDataAddUp() throws {
    let kernel = Self.kernel([5, 3, 3, 3])
    let samples = ResponseSamples(kernel, count: 90, asymmetry: 0.1, seed: 8)
    var sums = ResponseMoments(patch: 27, responses: 5)
    for range in [0..<10, 10..<11, 11..<90] { sums.add(samples.part(range).moments) }
    let whole = samples.moments
    #expect(sums.count == 90)
    // Sums of up to 90 terms of about 1 in another order.
    #expect(largestDifference(sums.patchGram, whole.patchGram) < 1e-12)
    let split = try ResponseProblem(kernel: kernel, moments: sums, fitsBias: true).analysis(.channel)
    let once = try ResponseProblem(kernel: kernel, moments: whole, fitsBias: true).analysis(.channel)
    for rank in 1...5 {
      let form = FactoredForm.channel(rank: rank)
      let (first, second) = (try split.relativeError(form), try once.relativeError(form))
      #expect(abs(first - second) < Self.tolerance)
    }
  }

  /// White patches are the weights' norm.
  @Test func whitePatchesAreTheWeightsNorm() throws {
    let kernel = Self.kernel([6, 5, 3])
    var gram = Tensor<Double>(shape: [15, 15])
    gram.addDiagonal(40)
    let rows = kernel.reshaped([6, 15]).converted(to: Double.self)
    let energy = (0..<6).map { t in rows.rowNorms[t] * rows.rowNorms[t] * 40 }
    let moments = ResponseMoments(
      count: 20, patchSum: [Double](repeating: 0, count: 15), responseSum: [Double](repeating: 0, count: 6),
      patchGram: gram, crossGram: matrixProduct(rows, gram), responseEnergy: energy)
    try Self.expectWeightsNorm(ResponseProblem(kernel: kernel, moments: moments, fitsBias: true))
  }

  @Test func constantPatchesLeaveTheWeightsNorm() throws {
    let kernel = Self.kernel([6, 5, 3])
    for value in [0, 0.3] {
      var samples = ResponseSamples(kernel, count: 30, seed: 1)
      samples.patches = Tensor(shape: [30, 15], repeating: value)
      let rows = kernel.reshaped([6, 15]).converted(to: Double.self)
      samples.responses = matrixProduct(samples.patches, rows, transposeB: true)
      let problem = try ResponseProblem(
        kernel: kernel, moments: samples.moments, heldOut: samples.moments, fitsBias: true)
      try Self.expectWeightsNorm(problem)
      let found = try problem.analysis(.channel).decomposition(.channel(rank: 2))
      #expect(found.response?.relativeError == 0 && found.response?.heldOutError == 0)
      // The bias makes the constant right.
      let dense = found.kernel.converted(to: Double.self).reconstructed().reshaped([6, 15])
      let given = matrixProduct(samples.patches, dense, transposeB: true)
      for t in 0..<6 {
        #expect(abs(given[0, t] + (found.response?.biasShift[t] ?? 9) - samples.responses[0, t]) < 1e-12)
      }
    }
  }

  private static func expectWeightsNorm(_ problem: ResponseProblem) throws {
    let weights = try PairAnalysis(problem.kernel, kind: .channel)
    let analysis = try problem.analysis(.channel)
    for rank in 1...6 {
      // Both from Gram matrices in Double.
      let error = try analysis.relativeError(.channel(rank: rank))
      #expect(abs(error - weights.relativeError(rank: rank)) < tolerance)
    }
  }

  @Test func brokenSumsAreErrors() throws {
    let kernel = Self.kernel([4, 3])
    let empty = ResponseMoments(patch: 3, responses: 4)
    #expect(throws: DecomposeError.self) {
      try ResponseProblem(kernel: kernel, moments: empty, fitsBias: true)
    }
    for value in [Double.nan, .infinity] {
      var samples = ResponseSamples(kernel, count: 9, seed: 1)
      samples.responses[3, 2] = value
      let (broken, sound) = (samples.moments, ResponseSamples(kernel, count: 9, seed: 1).moments)
      #expect(throws: DecomposeError.self) {
        try ResponseProblem(kernel: kernel, moments: broken, fitsBias: true)
      }
      #expect(throws: DecomposeError.self) {
        try ResponseProblem(kernel: kernel, moments: sound, heldOut: broken, fitsBias: true)
      }
    }
  }
}
