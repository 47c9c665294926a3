import LinearAlgebra
import Tensors

extension ResponseMoments {
  /// The part of a sum of squares that rounding leaves of a variance that is none.
  static var rounding: Double { 1e-12 }

  /// Throws unless these are finite sums over some positions.
  ///
  /// **Traps** where the extents are not those of a kernel of that shape.
  func require(for kernel: Shape) throws(DecomposeError) {
    precondition(
      responseCount == kernel[0] && patchCount * kernel[0] == kernel.count,
      "sums of \(responseCount)x\(patchCount) for a kernel of \(kernel)")
    guard count > 0 else {
      throw .unsuitableMoments(kernel: kernel, reason: "they are of no positions; give some inputs")
    }
    guard
      patchGram.isFinite, crossGram.isFinite,
      [patchSum, responseSum, responseEnergy].allSatisfy({ $0.allSatisfy(\.isFinite) })
    else {
      throw .unsuitableMoments(
        kernel: kernel, reason: "they hold a NaN or an infinity; look for one among the inputs")
    }
  }

  /// E x², summed over the numbers of a patch.
  var patchEnergy: Double { patchGram.trace / Double(max(1, count)) }
}
