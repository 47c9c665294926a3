import Forms
import LinearAlgebra
import TestSupport
import Tensors
import Testing

@testable import Decompose

/// The forms that are fitted to data, one like the other.
@Suite struct ResponseFormTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let shape: Shape
    let kind: FormKind
    let ranks: [Int]
    var testDescription: String { "\(kind) \(ranks) of \(shape)" }
  }

  static let cases: [Case] = {
    let shapes: [Shape] = [
      [8, 6, 3, 3], [5, 7, 3, 2], [1, 4, 3, 3], [6, 1, 3, 3], [4, 5, 1, 3], [6, 4, 5], [4, 3, 2, 3, 2],
      [7, 5], [6, 9, 1, 1],
    ]
    return shapes.flatMap { shape in
      FormKind.lowRank.filter { $0.fits(kernel: shape) && fitted($0) }.flatMap { kind -> [Case] in
        let full = kind.fullRanks(kernel: shape)
        return Set([full.map { max(1, $0 / 3) }, full.map { max(1, $0 * 2 / 3) }, full])
          .sorted { $0[0] < $1[0] }.map { Case(shape: shape, kind: kind, ranks: $0) }
      }
    }
  }()

  private static func fitted(_ kind: FormKind) -> Bool { true }

  /// Rounding of the factors to Float, and of sums of squares in Double.
  private static let tolerance = 2e-6

  @Test(arguments: cases) func neverWorseThanTheWeightsFactors(_ test: Case) throws {
    let form = FactoredForm(test.kind, ranks: test.ranks)
    var random = SeededGenerator(seed: 7)
    let kernel = Tensor<Float>.decayingKernel(test.shape, using: &random)
    for asymmetry in [0, 0.2] {
      let samples = ResponseSamples(kernel, count: 80, asymmetry: asymmetry, seed: 11)
      let problem = try ResponseProblem(kernel: kernel, moments: samples.moments, fitsBias: true)
      let analysis = try problem.analysis(test.kind)
      let found = try analysis.decomposition(form)
      let response = try #require(found.response)
      let weights = problem.certificate(of: try decompose(kernel, into: form).kernel)
      #expect(response.fittedError <= weights.fittedError + Self.tolerance)
      if asymmetry == 0 { #expect(response.relativeError <= weights.relativeError + Self.tolerance) }
      #expect(response.fittedError <= (try analysis.relativeError(form)) + Self.tolerance)
      // The best kernel of all is a bound, and is reached at full rank.
      let bound = problem.relativeError(problem.fit.floor)
      #expect(response.fittedError >= bound - Self.tolerance)
      if test.ranks == analysis.fullRanks && !test.kind.isSearched {
        #expect(response.fittedError <= bound + Self.tolerance)
      }
      let errors = found.convergence.errors
      #expect(zip(errors, errors.dropFirst()).allSatisfy { $1 <= $0 })
      if let last = errors.last { #expect(abs(last - response.fittedError) < Self.tolerance) }
      let dense = found.kernel.converted(to: Double.self).reconstructed()
      let error = samples.relativeError(
        dense, bias: response.biasShift, centre: ResponseSamples.means(samples.responses))
      #expect(abs(response.relativeError - error) < Self.tolerance)
    }
  }

  /// The table of errors of Tucker-2 against least squares on the samples: the features of each inner rank, and the
  /// singular values of what they fit.
  @Test func tableIsLeastSquaresOnTheFeatures() throws {
    var random = SeededGenerator(seed: 4)
    let kernel = Tensor<Float>.decayingKernel([6, 5, 2, 2], using: &random)
    let samples = ResponseSamples(kernel, count: 120, asymmetry: 0.1, seed: 3)
    let problem = try ResponseProblem(kernel: kernel, moments: samples.moments, fitsBias: false)
    let layout = try #require(FeatureLayout(.tucker2, kernel: kernel.shape))
    let norm = try FeatureNorm(problem, layout)
    let maps = try norm.leadingMaps(5)
    let analysis = try problem.analysis(.tucker2)
    let length = (problem.ridge * 120).squareRoot()
    let unit = (0..<400).map { $0 % 21 == 0 ? length : 0 }
    let x = Tensor<Double>(shape: [140, 20], elements: samples.patches.elements + unit)
    let pulled = problem.rows.permuted([1, 0]).elements.map { length * $0 }
    let y = Tensor<Double>(shape: [140, 6], elements: samples.responses.elements + pulled)
    let whole = y.squaredNorm
    for inner in 1...5 {
      let features = x.reshaped([140, 5, 4]).modeProduct(maps.leadingRows(inner), mode: 2)
        .reshaped([140, inner * 4])
      let fitted = naiveProduct(features, try features.leastSquares(y).solution)
      let values = try fitted.singularValues().map { $0 * $0 }
      let unexplained = fitted.plus(y, times: -1).squaredNorm
      for output in 1...6 {
        let expected = ((unexplained + values.dropFirst(output).reduce(0, +)) / whole).squareRoot()
        let claimed = try analysis.relativeError(.tucker2(outputRank: output, inputRank: inner))
        // The root of Double's epsilon times the condition of the features.
        #expect(abs(claimed - expected) < 1e-6, "\(output), \(inner)")
      }
    }
  }

  /// Forms that share maps, and ranks in whatever order they are asked for, have the errors that they have alone.
  @Test func sharedMapsChangeNothing() throws {
    var random = SeededGenerator(seed: 8)
    let kernel = Tensor<Float>.decayingKernel([8, 7, 3, 3], using: &random)
    let samples = ResponseSamples(kernel, count: 150, asymmetry: 0.1, seed: 3)
    func problem() throws -> ResponseProblem {
      try ResponseProblem(kernel: kernel, moments: samples.moments, fitsBias: true)
    }
    let shared = try problem()
    let (tucker, mirrored) = (try shared.analysis(.tucker2), try shared.analysis(.channelMirrored))
    let table = try tucker.candidates(multiple: 1)
    #expect(
      try mirrored.candidates(multiple: 1) == problem().analysis(.channelMirrored).candidates(multiple: 1))
    // As many maps as the mirrored channel form is cheaper with than the kernel: 7 x 8 x 9 of 7 + 8 x 9.
    #expect(Set(table.map { $0.form.ranks[1] }) == Set(1...7) && table.count == 8 * 7)
    let other = try problem().analysis(.tucker2)
    for ranked in table.reversed() {
      // Sums in another order.
      #expect(try abs(other.relativeError(ranked.form) - ranked.relativeError) < 1e-9, "\(ranked.form)")
    }
  }

  @Test func roundedFactorsAreMeasuredAnew() throws {
    var random = SeededGenerator(seed: 5)
    let kernel = Tensor<Float>.decayingKernel([6, 5, 3, 3], using: &random)
    let samples = ResponseSamples(kernel, count: 100, seed: 3)
    let problem = try ResponseProblem(kernel: kernel, moments: samples.moments, fitsBias: true)
    for kind in [FormKind.channel, .tucker2, .spatial] {
      let analysis = try problem.analysis(kind)
      let found = try analysis.decomposition(FactoredForm(kind, ranks: kind.ranks.map { _ in 3 }))
      let rounded = analysis.mapped(found) { part in
        Tensor(shape: part.shape, elements: part.elements.map { ($0 * 16).rounded() / 16 })
      }
      let response = try #require(rounded.response)
      #expect(rounded.kernel.parts[0] != found.kernel.parts[0])
      #expect(response == problem.certificate(of: rounded.kernel))
      #expect(response.fittedError > found.fittedError && rounded.relativeError != found.relativeError)
    }
  }

  @Test func candidatesFallWithTheRanks() throws {
    var random = SeededGenerator(seed: 6)
    let kernel = Tensor<Float>.decayingKernel([8, 6, 3, 3], using: &random)
    let samples = ResponseSamples(kernel, count: 100, asymmetry: 0.1, seed: 3)
    let problem = try ResponseProblem(kernel: kernel, moments: samples.moments, fitsBias: true)
    for kind in FormKind.lowRank where kind.fits(kernel: kernel.shape) && kind != .tucker2 {
      let candidates = try problem.analysis(kind).candidates(multiple: 2)
      #expect(candidates.count > 1)
      #expect(zip(candidates, candidates.dropFirst()).allSatisfy { $1.relativeError <= $0.relativeError })
    }
    let table = try problem.analysis(.tucker2).candidates(multiple: 2)
    let errors = Dictionary(uniqueKeysWithValues: table.map { ($0.form.ranks, $0.relativeError) })
    for (ranks, error) in errors {
      for larger in [[ranks[0] + 2, ranks[1]], [ranks[0], ranks[1] + 2]] {
        if let other = errors[larger] { #expect(other <= error + 1e-12) }
      }
    }
    #expect(table.count == 12)
  }
}
