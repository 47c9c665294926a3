import Forms
import LinearAlgebra
import Tensors
import TestSupport
import Testing

@testable import Decompose

/// What a search for CP terms has found, handed on.
@Suite struct SearchedErrorTests {
  @Test func whatIsKnownIsNotSearchedForAgain() throws {
    var generator = SeededGenerator(seed: 61)
    let kernel = Tensor<Float>.random([16, 12, 3, 3], using: &generator)
    let decomposition = try #require(FormKind.cp3.decomposition)
    let first = try decomposition.analysis(of: kernel)
    let candidates = try first.candidates(multiple: 4)
    #expect(first.searched.count > 2)
    let again = try decomposition.analysis(of: kernel, knowing: first.searched, factors: [])
    #expect(try again.candidates(multiple: 4) == candidates)
    // Errors that no search finds are believed.
    let halves = try decomposition.analysis(
      of: kernel, knowing: first.searched.mapValues { $0 / 2 }, factors: [])
    #expect(try halves.candidates(multiple: 4)[0].relativeError == candidates[0].relativeError / 2)
  }

  /// Factors that somebody has found are taken as they are, and those of other forms are none.
  @Test func knownFactorsAreTaken() throws {
    var generator = SeededGenerator(seed: 63)
    let kernel = Tensor<Float>.random([8, 6, 3, 3], using: &generator)
    let cp3 = try #require(FormKind.cp3.decomposition)
    // Of another kernel, so that nobody could have found them in this one.
    let other = try decompose(Tensor<Float>.random([8, 6, 3, 3], using: &generator), into: .cp3(rank: 5))
    let found = try cp3.analysis(of: kernel, knowing: [:], factors: [other])
    #expect(try found.decomposition(.cp3(rank: 5)).kernel.parts == other.kernel.parts)
    #expect(
      try found.decomposition(.cp3(rank: 4)).kernel.parts
        == decompose(kernel, into: .cp3(rank: 4)).kernel.parts)
    let cp4 = try #require(FormKind.cp4.decomposition).analysis(of: kernel, knowing: [:], factors: [other])
    #expect(
      try cp4.decomposition(.cp4(rank: 5)).kernel.parts == decompose(kernel, into: .cp4(rank: 5)).kernel.parts
    )
  }

  /// A fit to data starts from the factors in the weights' norm that it is given.
  @Test(arguments: [FormKind.cp3, .tucker2, .spatial]) func aFitStartsFromKnownFactors(kind: FormKind) throws
  {
    var generator = SeededGenerator(seed: 64)
    let kernel = Tensor<Float>.decayingKernel([8, 6, 3, 3], using: &generator)
    let form = FactoredForm(kind, ranks: kind.ranks.map { _ in 3 })
    let moments = ResponseSamples(kernel, count: 200, seed: 3).moments
    let start = try decompose(kernel, into: form)
    #expect(ResponseProblem.startsFromWeights(kind, kernel: kernel.shape))
    let unaware = try ResponseProblem(kernel: kernel, moments: moments, fitsBias: true).analysis(kind)
    let aware = try ResponseProblem(
      kernel: kernel, moments: moments, fitsBias: true, startingFrom: [start.kernel]
    )
    .analysis(kind)
    let wanted = try unaware.decomposition(form)
    #expect(try aware.decomposition(form).kernel.parts == wanted.kernel.parts)
    guard kind.isSearched else { return }
    // From elsewhere the search ends elsewhere.
    let other = try decompose(Tensor<Float>.decayingKernel([8, 6, 3, 3], using: &generator), into: form)
    let misled = try ResponseProblem(
      kernel: kernel, moments: moments, fitsBias: true, startingFrom: [other.kernel]
    )
    .analysis(kind)
    #expect(try misled.decomposition(form).kernel.parts != wanted.kernel.parts)
  }

  /// A search on the way to the data's errors finds those of the weights.
  @Test func searchesForDataKnowTheWeightsErrors() throws {
    var generator = SeededGenerator(seed: 62)
    let kernel = Tensor<Float>.random([8, 6, 3, 3], using: &generator)
    let patches = Tensor<Double>.random([400, 54], using: &generator)
    let rows = kernel.reshaped([8, 54]).converted(to: Double.self)
    let responses = matrixProduct(patches, rows, transposeB: true)
    var energy = [Double](repeating: 0, count: 8)
    for i in 0..<400 { for t in 0..<8 { energy[t] += responses[i, t] * responses[i, t] } }
    let sums = ResponseMoments(
      count: 400, patchSum: (0..<54).map { i in (0..<400).reduce(0) { $0 + patches[$1, i] } },
      responseSum: (0..<8).map { t in (0..<400).reduce(0) { $0 + responses[$1, t] } },
      patchGram: matrixProduct(patches, patches, transposeA: true),
      crossGram: matrixProduct(responses, patches, transposeA: true), responseEnergy: energy)
    let problem = try ResponseProblem(kernel: kernel, moments: sums, fitsBias: true)
    let byData = try problem.analysis(.cp3)
    _ = try byData.candidates(multiple: 1)
    let byWeights = try #require(FormKind.cp3.decomposition).analysis(of: kernel)
    _ = try byWeights.candidates(multiple: 1)
    #expect(byData.searched == byWeights.searched)
    #expect(byData.curves[0].remaining != byWeights.curves[0].remaining)
  }
}
