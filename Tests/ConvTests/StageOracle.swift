import Tensors

@testable import Conv

/// A chain of stages by its definition in Double, with what rounding may do to each element of the result.
///
/// With u the unit roundoff, a sum of k products of numbers that are exact is off by at most
///
///     (k + 4) u (|K| * |x| + |b| + |r|)
///
/// in any order: a rounding for each product and each addition, one for the bias b and one for the residual r, and the
/// terms of second order. An error e of the input adds |K| * e. By Winograd's algorithm with S channels it is
///
///     (S + 4 n + 24) u A^T [ sum over S of |U| . (|B^T| |x| |B|) ] A  with |A|
///
/// with a rounding for each channel, n for each of the four sides of the transforms (two along one axis), and 24 for their
/// constants.
///
/// The variances are the same with squares: the error of independent roundings, whose root mean square over all elements
/// is far below the bound. A fault in a few elements is seen by the bounds, one in a small term of all by the variances.
///
/// **Source** Higham, Accuracy and Stability of Numerical Algorithms, section 3.1; Barabasz et al., arXiv 1803.10986.
struct StageOracle {
  private(set) var values: [Double]
  private(set) var bounds: [Double]
  private(set) var variances: [Double]
  /// Whether all numbers are integers (or quarters, in F(2x2, 3x3)) that no sum in any order rounds.
  private(set) var isExact: Bool
  private let unit: Double
  /// The roundings that a term of the last stage's sums meets.
  private var roundings = 0.0

  /// Begins at an input of a plan whose numbers have the unit roundoff `unit`.
  init(_ input: [Double], unit: Double) {
    values = input
    bounds = [Double](repeating: 0, count: input.count)
    variances = bounds
    isExact = input.allSatisfy { $0 == $0.rounded() }
    self.unit = unit
  }

  /// Applies a stage, by the Winograd form that the plan runs it by, if any.
  mutating func apply(_ stage: ConvolutionGeometry, weights: [Double], form: WinogradForm? = nil) {
    let convolution = Definition(stage, weights)
    let tiles = form.map { WinogradMatrices.of($0) }
    let count = values.count
    let sizes = elements(count) { abs(values[$0]) + bounds[$0] }
    let squares = elements(count) { values[$0] * values[$0] }
    if let tiles {
      roundings = Double(stage.inputChannels + (tiles.axes == .both ? 4 : 2) * tiles.side + 24)
      let added = convolution.run(.magnitudes, sizes, tiles: tiles)
      let spread = convolution.run(.squares, squares, tiles: tiles)
      let (carried, varied) = (convolution.run(.magnitudes, bounds), convolution.run(.squares, variances))
      bounds = elements(added.count) { carried[$0] + roundings * unit * added[$0] }
      variances = elements(spread.count) { varied[$0] + roundings * unit * unit * spread[$0] }
    } else {
      roundings = Double(weights.count / stage.outputChannels + 4)
      bounds = convolution.run(
        .magnitudes, elements(count) { bounds[$0] + roundings * unit * sizes[$0] })
      variances = convolution.run(
        .squares, elements(count) { variances[$0] + roundings * unit * unit * squares[$0] })
    }
    if isExact {
      // No partial sum is larger than the sum of all magnitudes, in units of a quarter for G = 1/2 on both sides.
      let quarters = tiles == nil ? 1.0 : 4.0
      let all = convolution.run(.magnitudes, elements(count) { abs(values[$0]) }, tiles: tiles)
      let largest = all.max() ?? 0
      isExact =
        weights.allSatisfy { $0 == $0.rounded() } && largest * quarters * unit <= 0.25
        && (form == nil || tiles?.hasIntegerTransforms == true)
    }
    values = convolution.run(.values, values)
  }

  /// Adds the bias and the residual, which the sums may begin or end with.
  mutating func add(_ terms: [Double]) {
    for (i, term) in terms.enumerated() {
      values[i] += term
      bounds[i] += roundings * unit * abs(term)
      variances[i] += roundings * unit * unit * term * term
    }
    isExact = isExact && terms.allSatisfy { $0 == $0.rounded() && abs($0) * unit <= 0.125 }
  }

  /// Applies an activation, `channel` giving the channel of an element.
  ///
  /// An error of its argument grows by its largest slope at most; its own roundings are as many units of the last place as
  /// `CKernels.h` says, in Float, and the library's in Double.
  mutating func activate(_ activation: Activation, channel: (Int) -> Int) {
    guard activation != .none else { return }
    isExact = isExact && activation.isBound
    let slope = activation.isBound ? 1 : activation.steepness
    for i in values.indices {
      let (own, result) = (
        activation.roundings(values[i]), activation.definition(values[i], channel: channel(i))
      )
      let rounding = 2 * own.relative * unit * abs(result) + own.absolute * unit + own.least
      values[i] = result
      bounds[i] = slope * bounds[i] + rounding
      variances[i] = slope * slope * variances[i] + rounding * rounding
    }
  }

  /// What is wrong with the elements of a result; nil where every bound holds.
  func fault<E: Scalar>(in result: Tensor<E>) -> String? {
    precondition(result.count == values.count, "\(result.count) elements for \(values.count)")
    var (errors, variance) = (0.0, 0.0)
    for (i, element) in result.elements.enumerated() {
      let error = abs(Double(element) - values[i])
      // Second-order terms of the bound, and the oracle's own roundings where the plan is in Double too.
      let most = isExact ? 0 : 1.001 * bounds[i] * (unit < 1e-10 ? 2 : 1)
      guard error <= most else {
        return
          "element \(i) of \(result.shape) is \(element), not \(values[i]): off by \(error), the bound is \(most)"
      }
      errors += error * error
      variance += variances[i]
    }
    // Six standard deviations of a single element, more of a mean: no chance in a long run.
    guard errors <= 36 * variance else {
      let count = Double(values.count)
      return "the error's root mean square is \((errors / count).squareRoot()), that of independent roundings"
        + " \((variance / count).squareRoot())"
    }
    return nil
  }
}

/// One number for each place; a plain loop, since iterators take most of an oracle's time where nothing is optimised.
private func elements(_ count: Int, _ element: (Int) -> Double) -> [Double] {
  var (result, i) = ([Double](repeating: 0, count: count), 0)
  while i < count {
    result[i] = element(i)
    i += 1
  }
  return result
}
