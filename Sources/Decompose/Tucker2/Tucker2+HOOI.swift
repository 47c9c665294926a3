import LinearAlgebra
import Forms
import Tensors

/// Higher-order orthogonal iteration for two modes.
///
/// Starts near the sequentially truncated HOSVD: the leading directions of mode 1 by orthogonal iterations from a sketch,
/// then those of mode 2 on what mode 1 kept. Each update then projects the whole tensor by one factor and improves
/// the other by orthogonal iterations with Rayleigh-Ritz on the projection's Gram matrix, from the factor as it is. The
/// basis has some more rows than the rank, so that the leading ones converge quickly and the next update begins near; it
/// spans extents of up to 32 whole, where the start is the ST-HOSVD itself. The captured energy never falls, so neither
/// does the error ever rise but for rounding.
///
/// Kernels of few numbers, whose directions may be equal in energy and whose start then is one of many, are also searched
/// from mode 2, and the better end counts.
///
/// The subspaces are searched in the kernel's own precision: a direction that Float cannot tell from its neighbours
/// holds no energy to speak of, and the certificate measures what came out. A Gram matrix squares what it is made of, so
/// the search is done again in Double where less than `singleReach` of the kernel is left over.
///
/// **Complexity** T² S D / 2 multiplies for the first Gram matrix; an update of mode 1 T S D R2 + T² D R2 / 2, of mode 2
/// T S D R1 + S² D R1 / 2, each with about 2 n² P + 4 P³ for the basis of P rows; three to five updates as a rule.
///
/// **Source** De Lathauwer, De Moor, Vandewalle 2000 (HOOI); Vannieuwenhoven et al. 2012 (the start); Halko, Martinsson,
/// Tropp 2011 (oversampling); Rutishauser 1970 (orthogonal iteration with Ritz acceleration).
struct HigherOrderOrthogonalIteration<Element: LapackScalar> {
  let outputRank: Int
  let inputRank: Int
  /// The leading directions of both modes as rows, ordered by energy, where they are there already.
  var start: (rows1: Tensor<Element>, rows2: Tensor<Element>)?

  /// The relative error under which eigenvalues of a Float Gram matrix, known to 1e-7 of the largest, are no guide.
  private static var singleReach: Double { 1e-2 }

  /// What a search ends with, at unit scale: the core [R1, taps, R2] and both factors as rows.
  private struct End<Number: LapackScalar> {
    var core: Tensor<Number>
    var rows1: Tensor<Number>
    var rows2: Tensor<Number>
    let report: ConvergenceReport
    let error: Double

    /// The same with the modes exchanged.
    var mirrored: End {
      End(core: core.permuted([2, 1, 0]), rows1: rows2, rows2: rows1, report: report, error: error)
    }

    func converted<Other: LapackScalar>(to: Other.Type = Other.self) -> End<Other> {
      End<Other>(
        core: core.converted(), rows1: rows1.converted(), rows2: rows2.converted(), report: report,
        error: error)
    }
  }

  /// Sweeps until the error stands still, and what came out, measured on the whole kernel.
  ///
  /// Without a `bound` of its own the result carries the error of the start, which no sweep raises.
  func run(_ kernel: Tensor<Element>, bound: Double? = nil) throws(DecomposeError) -> Decomposition<Element> {
    let scale = kernel.unitScale
    let tensor = kernel.inputsLast(times: scale)
    let end = try wrapping { () throws(LinearAlgebraError) in
      let end = try search(tensor, rows1: start?.rows1, rows2: start?.rows2)
      guard end.error < Self.singleReach, Element.self != Double.self else { return end }
      return try search(
        tensor.converted(to: Double.self), rows1: start?.rows1.converted(), rows2: start?.rows2.converted()
      ).converted()
    }
    let shape = Shape([outputRank, inputRank] + kernel.shape.extents.dropFirst(2))
    let factors = FactoredKernel.tucker2(
      Tucker2Factors(
        core: end.core.permuted([0, 2, 1]).scaled(by: 1 / scale).reshaped(shape),
        mode1: end.rows1.permuted([1, 0]), mode2: end.rows2.permuted([1, 0])))
    // The error of the search belongs to the factors as they are stored unless these were rounded.
    let searched = end.error < Self.singleReach ? nil : end.error
    let error = certifiedError(kernel, factors, difference: searched)
    return try Decomposition(
      kernel: factors, relativeError: error, errorBound: max(bound ?? end.report.errors[0], error),
      convergence: end.report
    ).requireFinite()
  }

  /// The end of a search, the better of two for small tensors.
  private func search<Number: LapackScalar>(
    _ tensor: Tensor<Number>, rows1: Tensor<Number>?, rows2: Tensor<Number>?
  ) throws(LinearAlgebraError) -> End<Number> {
    let first = try Self.sweep(tensor, outputRank, inputRank, rows1, rows2)
    guard HOOIState.isSmall(tensor) else { return first }
    let second = try Self.sweep(tensor.permuted([2, 1, 0]), inputRank, outputRank, rows2, rows1)
    return second.error < first.error ? second.mirrored : first
  }

  private static func sweep<Number: LapackScalar>(
    _ tensor: Tensor<Number>, _ rank1: Int, _ rank2: Int, _ rows1: Tensor<Number>?, _ rows2: Tensor<Number>?
  ) throws(LinearAlgebraError) -> End<Number> {
    func leading(_ rows: Tensor<Number>?, _ rank: Int) -> Tensor<Number>? {
      rows.map { rows in
        let size = HOOIState<Number>.basisSize(rows.shape[1], rank: rank)
        return Tensor(rows.view.sliced(axis: 0, 0..<size))
      }
    }
    var state = try HOOIState(
      tensor, outputRank: rank1, inputRank: rank2, rows1: leading(rows1, rank1), rows2: leading(rows2, rank2))
    let report = try state.iterate()
    return End(
      core: state.core, rows1: state.leading1, rows2: state.leading2, report: report,
      error: state.relativeError())
  }
}
