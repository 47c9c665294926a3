import Decompose
import Forms
import Tensors
import TestSupport
import Testing

/// Every form behind its kind: what the command, the C interface and compression go by.
@Suite struct FormDecompositionTests {
  private func kernel(_ kind: FormKind) -> Tensor<Float> {
    var generator = SeededGenerator(seed: 17)
    return .decayingKernel(kind.domain.isPointwise ? [9, 7, 1, 1] : [9, 7, 3, 3], using: &generator)
  }

  @Test(arguments: FormKind.lowRank) func everyKindIsFactoredAnalysedAndReconstructed(kind: FormKind) throws {
    let kernel = kernel(kind)
    let form = FactoredForm(kind, ranks: kind.ranks.map { _ in 4 })
    let decomposition = try #require(kind.decomposition)
    let result = try decompose(kernel, into: form)
    #expect(result.kernel.form == form && result.kernel.kernelShape == kernel.shape)
    #expect((result.certificate != nil) == kind.isSearched)
    let analysis = try decomposition.analysis(of: kernel)
    #expect(analysis.kind == kind && analysis.fullRanks == kind.fullRanks(kernel: kernel.shape))
    // Rounding of 567 elements apart, no more than the analysis foretold.
    let limit = try analysis.relativeError(form) + 567 * Double(Float.ulpOfOne)
    #expect(result.relativeError <= limit)
    let difference = zip(kernel.elements, result.kernel.reconstructed().elements)
      .reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    let norm = kernel.elements.reduce(0) { $0 + Double($1 * $1) }
    #expect(abs((difference / norm).squareRoot() - result.relativeError) <= 567 * Double(Float.ulpOfOne))
    #expect(analysis.curves.map(\.name) == (kind.isSearched ? [] : kind.ranks.map(\.spectrum.name)))
  }

  @Test(arguments: FormKind.lowRank) func everyAlgorithmHasOptions(kind: FormKind) throws {
    let decomposition = try #require(kind.decomposition)
    for word in decomposition.algorithms { #expect(decomposition.options(algorithm: word) != nil) }
    #expect(decomposition.options(algorithm: "none") == nil)
  }

  @Test func theDenseFormIsNoDecomposition() {
    #expect(FormKind.dense.decomposition == nil)
    #expect(throws: DecomposeError.self) { try decompose(kernel(.tucker2), into: .dense) }
  }
}
