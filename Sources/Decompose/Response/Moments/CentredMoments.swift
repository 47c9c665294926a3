import LinearAlgebra
import Tensors

/// Second moments of patches and responses about a centre, the responses as what a kernel K misses of them.
///
///     C = E (x - c)(x - c)',   D = E (y - K x - d)(x - c)',   d = the centre of y less K c
///
/// The error of any kernel W and its best bias is then, without differences of large numbers,
///
///     E |y - W x - b|² = E |y - K x - d|² - 2 tr(A D') + tr(A C A'),   A = W - K
///
/// **Memory** the sums themselves are shared; C is not kept.
struct CentredMoments: Sendable {
  /// D, [T, n]; nil where y is K x to the rounding of Float.
  let misfit: Tensor<Double>?
  /// `E |y - K x - d|²`; 0 where `misfit` is nil.
  let misfitEnergy: Double
  /// `E |y - the centre of y|²`.
  let responseEnergy: Double
  /// K C, [T, n].
  let kernelProduct: Tensor<Double>
  private let sums: ResponseMoments
  private let centre: [Double]
  private let mean: [Double]

  /// The part of the responses' energy that Float arithmetic may leave between y and K x: 1e-5 of their size.
  private static var roundingEnergy: Double { 1e-10 }

  /// Moments about the means of `reference`, or about 0.
  ///
  /// **Shapes** `kernel` [T, n]. **Traps** unless there are positions.
  init(_ sums: ResponseMoments, about reference: ResponseMoments?, kernel: Tensor<Double>) {
    precondition(sums.count > 0, "means of no positions")
    self.sums = sums
    let count = Double(sums.count)
    mean = sums.patchSum.map { $0 / count }
    let responseMean = sums.responseSum.map { $0 / count }
    centre = reference?.patchMean ?? mean.map { _ in 0 }
    let responseCentre = reference?.responseMean ?? responseMean.map { _ in 0 }
    let energies = zip(zip(sums.responseEnergy, responseMean), responseCentre).map { terms in
      let ((energy, mean), centre) = terms
      return energy / count - 2 * mean * centre + centre * centre
    }
    let noise = ResponseMoments.rounding * sums.responseEnergy.reduce(0, +) / count
    let responseEnergy = energies.reduce(0, +)
    self.responseEnergy = responseEnergy > noise ? responseEnergy : 0
    kernelProduct = Self.product(kernel, sums, mean: mean, centre: centre)
    let cross = Self.crossMoments(sums, centre: centre, responseMean, responseCentre)
    let difference = cross.plus(kernelProduct, times: -1)
    // E |y|² - tr(K Cyx') - tr(K D'), since K C is Cyx - D.
    let energy = responseEnergy - kernel.innerProduct(cross) - kernel.innerProduct(difference)
    let fits = energy <= max(noise, Self.roundingEnergy * responseEnergy)
    misfit = fits ? nil : difference
    misfitEnergy = fits ? 0 : energy
  }

  /// E (y - d)(x - c)', [T, n].
  private static func crossMoments(
    _ sums: ResponseMoments, centre: [Double], _ responseMean: [Double], _ responseCentre: [Double]
  ) -> Tensor<Double> {
    let count = Double(sums.count)
    var cross = sums.crossGram
    let n = centre.count
    cross.withMutableSpan { cross in
      for t in responseMean.indices {
        for i in 0..<n {
          let mean = sums.patchSum[i] / count
          cross[t * n + i] =
            cross[t * n + i] / count - responseMean[t] * centre[i] - responseCentre[t] * (mean - centre[i])
        }
      }
    }
    return cross
  }

  /// `rows C`, [k, n], in one GEMM with the sums.
  func product(_ rows: Tensor<Double>) -> Tensor<Double> {
    Self.product(rows, sums, mean: mean, centre: centre)
  }

  private static func product(
    _ rows: Tensor<Double>, _ sums: ResponseMoments, mean: [Double], centre: [Double]
  ) -> Tensor<Double> {
    let (k, n) = (rows.shape[0], rows.shape[1])
    var product = matrixProduct(rows, sums.patchGram)
    let projected = rows.timesVector(mean)
    let projectedCentre = rows.timesVector(centre)
    let unit = 1 / Double(sums.count)
    product.withMutableSpan { product in
      for row in 0..<k {
        for i in 0..<n {
          product[row * n + i] =
            product[row * n + i] * unit - projected[row] * centre[i]
            - projectedCentre[row] * (mean[i] - centre[i])
        }
      }
    }
    return product
  }

  /// C itself, [n, n]; 0 where patches do not vary but for rounding.
  func covariance() -> Tensor<Double> {
    let n = mean.count
    guard varies else { return Tensor(shape: [n, n]) }
    let unit = 1 / Double(sums.count)
    return Tensor(shape: [n, n]) { covariance in
      sums.patchGram.withSpan { gram in
        for i in 0..<n {
          for j in 0..<n {
            covariance[i * n + j] =
              gram[i * n + j] * unit - mean[i] * centre[j] - centre[i] * (mean[j] - centre[j])
          }
        }
      }
    }
  }

  /// Whether patches are apart from the centre by more than rounding: tr C is more than that.
  private var varies: Bool {
    let trace = sums.patchEnergy - zip(mean, centre).reduce(0) { $0 + $1.1 * (2 * $1.0 - $1.1) }
    return trace > ResponseMoments.rounding * sums.patchEnergy
  }

  /// E x², the mean over the numbers of a patch; 1 where all are 0.
  var meanSquare: Double {
    sums.patchEnergy > 0 ? sums.patchEnergy / Double(mean.count) : 1
  }

  /// `E |y - W x - b|²` for W = K + A; b is the centre of y less W c.
  ///
  /// **Shapes** `change` A, [T, n]. **Complexity** T n² multiplies.
  func error(change: Tensor<Double>) -> Double {
    let cross = misfit.map { change.innerProduct($0) } ?? 0
    return max(0, misfitEnergy - 2 * cross + (varies ? change.innerProduct(product(change)) : 0))
  }
}

extension ResponseMoments {
  /// The mean of the patches, [n]; zeros where there are none.
  var patchMean: [Double] { patchSum.map { $0 / Double(max(1, count)) } }
  /// The mean of the responses, [T]; zeros where there are none.
  var responseMean: [Double] { responseSum.map { $0 / Double(max(1, count)) } }
}
