import LinearAlgebra
import Tensors

/// Some steps of preconditioned conjugate gradients for `A x = wanted`, A symmetric and not negative: each lowers the
/// quadratic `x' A x - 2 x' wanted`.
///
/// **Complexity** an application of A and of the preconditioner a step, one of each more.
///
/// **Source** Hestenes and Stiefel 1952; Golub and Van Loan, section 11.5.
func conjugateGradients(
  from start: Tensor<Double>, wanted: Tensor<Double>, steps: Int,
  applied: (Tensor<Double>) -> Tensor<Double>, preconditioned: (Tensor<Double>) -> Tensor<Double>
) -> Tensor<Double> {
  var solution = start
  var residual = wanted.plus(applied(start), times: -1)
  var ahead = preconditioned(residual)
  var direction = ahead
  var size = residual.innerProduct(ahead)
  for _ in 0..<steps where size > 0 {
    let image = applied(direction)
    let curvature = direction.innerProduct(image)
    guard curvature > 0 else { break }
    solution = solution.plus(direction, times: size / curvature)
    residual = residual.plus(image, times: -size / curvature)
    ahead = preconditioned(residual)
    let next = residual.innerProduct(ahead)
    direction = ahead.plus(direction, times: next / size)
    size = next
  }
  return solution
}
