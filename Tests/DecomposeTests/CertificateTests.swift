import Decompose
import Forms
import LinearAlgebra
import Tensors
import TestSupport
import Testing

/// What decompositions claim of themselves, against quantities that the tests work out on their own.
@Suite struct CertificateTests {
  private let kernel: Tensor<Double> = {
    var generator = SeededGenerator(seed: 151)
    return Tensor.decayingKernel([14, 11, 3, 3], using: &generator)
  }()

  /// HOSVD's bound is the discarded energy of both modes; ST-HOSVD's second mode is that of the projected kernel, and its
  /// two energies are the error itself (Vannieuwenhoven et al. 2012, Theorem 5.1).
  @Test(arguments: [(3, 2), (7, 5), (2, 9), (13, 10)])
  func boundsAreTheDiscardedEnergies(outputRank: Int, inputRank: Int) throws {
    let theory = try Tucker2Theory(kernel, outputRank: outputRank, inputRank: inputRank)
    let hosvd = try tucker2(kernel, outputRank: outputRank, inputRank: inputRank, algorithm: .hosvd)
    // The energies come out of Gram matrices: a few epsilon of the whole for each of the T + S eigenvalues.
    let rounding = 8 * 25 * Double.ulpOfOne
    #expect(abs(hosvd.errorBound * hosvd.errorBound - theory.hosvd) <= rounding)
    let sequential = try tucker2(
      kernel, outputRank: outputRank, inputRank: inputRank, algorithm: .stHOSVD)
    let expected = theory.sequential.fromMode1
    #expect(abs(sequential.errorBound * sequential.errorBound - expected) <= rounding)
    #expect(abs(sequential.relativeError * sequential.relativeError - expected) <= rounding)
  }

  /// HOOI ends where neither factor can be bettered while the other one stays (Kolda and Bader 2009, section 4.2).
  @Test(arguments: [(3, 3), (5, 2), (2, 6)])
  func hooiEndsWhereNeitherFactorCanBeBettered(outputRank: Int, inputRank: Int) throws {
    var generator = SeededGenerator(seed: 152)
    // Without a decaying spectrum, so that HOSVD is far from the end.
    let kernel = Tensor<Double>.random([12, 10, 3, 3], using: &generator)
    let result = try tucker2(kernel, outputRank: outputRank, inputRank: inputRank)
    guard let factors = Tucker2Factors(result.kernel) else {
      Issue.record("not a Tucker-2 form")
      return
    }
    let kept = 1 - result.relativeError * result.relativeError
    for (other, mode, rank) in [(factors.mode2, 1, outputRank), (factors.mode1, 2, inputRank)] {
      let projected = kernel.modeProduct(other, mode: 3 - mode, transposed: true)
      let values = try projected.unfolded(mode: mode).singularValues()
      let best = values.prefix(rank).reduce(0) { $0 + $1 * $1 } / kernel.squaredNorm
      // HOOI stops where two updates promise to gain less than 1e-4 of the error.
      #expect(best - kept <= 1e-3 * (1 - kept), "mode \(mode): \(best) of the energy, not \(kept)")
    }
  }

  /// The factors themselves carry a kernel's size, not only what is said of their error.
  @Test(arguments: [1e-120, 1e-20, 1, 1e20, 1e120])
  func factorsOfKernelsOfAnySizeReconstructThem(scale: Double) throws {
    let scaled = Tensor(shape: kernel.shape, elements: kernel.elements.map { $0 * scale })
    for algorithm in Tucker2Algorithm.allCases {
      let result = try tucker2(scaled, outputRank: 6, inputRank: 5, algorithm: algorithm)
      let error = relativeDistance(scaled, naiveReconstruction(result.kernel))
      // Both are roots of sums over T S D D elements, in another order.
      let rounding = 20 * Double(kernel.count).squareRoot() * Double.ulpOfOne
      #expect(abs(result.relativeError - error) <= rounding, "\(algorithm)")
    }
    let reference = try cp3(kernel, rank: 4).certificate.largestComponentNorm
    let largest = try cp3(scaled, rank: 4).certificate.largestComponentNorm
    // Other roundings lead the iterations to the same optimum only so far.
    #expect(abs(largest - reference) <= 1e-3 * reference)
  }

  /// Factors that are changed afterwards are certified anew.
  @Test func changedFactorsHaveTheErrorThatTheyHave() throws {
    let exact = try tucker2(kernel, outputRank: 6, inputRank: 5)
    let coarse = exact.mapFactors(of: kernel) { factor in
      Tensor(shape: factor.shape, elements: factor.elements.map { ($0 * 16).rounded() / 16 })
    }
    let error = relativeDistance(kernel, naiveReconstruction(coarse.kernel))
    let rounding = 20 * Double(kernel.count).squareRoot() * Double.ulpOfOne
    #expect(abs(coarse.relativeError - error) <= rounding)
    // Theory says nothing of changed factors.
    #expect(coarse.relativeError > exact.errorBound)
    #expect(coarse.errorBound == coarse.relativeError)
  }
}
