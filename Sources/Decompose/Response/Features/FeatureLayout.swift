import Forms
import Tensors

/// How the patch of a form's first stage splits: into the axes that a linear map P mixes, and the offsets at which the map
/// is applied.
///
///     W[t, (a, o)] = sum over r of  C[t, r, o] P[r, a]
///
/// | form | a | o |
/// |---|---|---|
/// | Tucker-2, mirrored channel | s | all spatial axes |
/// | spatial | s and the first stage's axis | the other axis |
///
/// The unmirrored channel form and two matrices map the whole patch and have a closed form.
struct FeatureLayout: Hashable, Sendable {
  /// The extent of a, A.
  let mapped: Int
  /// The extent of o, O.
  let offsets: Int
  /// `[S, D1, D2]` where the first stage has the last axis: the offsets stand before it in a kernel's own order.
  private let exchanged: [Int]?

  /// The layout of a kind of form; nil for those without one.
  init?(_ kind: FormKind, kernel: Shape) {
    let (inputs, taps) = (kernel[1], kernel.extents.dropFirst(2))
    switch kind {
    case .tucker2, .channelMirrored: (mapped, offsets, exchanged) = (inputs, taps.reduce(1, *), nil)
    case .spatial: (mapped, offsets, exchanged) = (inputs * kernel[2], kernel[3], nil)
    case .spatialMirrored:
      (mapped, offsets, exchanged) = (inputs * kernel[3], kernel[2], Array(kernel.extents[1...]))
    default: return nil
    }
  }

  /// Rows over a patch [k, n], with the patch as [A, O].
  func arranged(_ rows: Tensor<Double>) -> Tensor<Double> {
    guard let exchanged else { return rows }
    return rows.reshaped(Shape([rows.shape[0]] + exchanged)).permuted([0, 1, 3, 2]).reshaped(rows.shape)
  }

  /// A matrix over a patch [n, n], with both sides as [A, O].
  func arranged(square matrix: Tensor<Double>) -> Tensor<Double> {
    guard let exchanged else { return matrix }
    return matrix.reshaped(Shape(exchanged + exchanged)).permuted([0, 2, 1, 3, 5, 4]).reshaped(matrix.shape)
  }
}
