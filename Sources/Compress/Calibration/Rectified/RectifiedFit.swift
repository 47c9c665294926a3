import Decompose
import Forms
import LinearAlgebra
import Tensors

/// Fits a layer in one form to what is seen of its responses behind a rectifier r:
///
///     J(W, b) = E |r(y) - r(W x + b)|²
///
/// A response of -3 and one of -5 are the same behind a ReLU, so a part of what a fit of the responses themselves spends its
/// ranks on counts for nothing. From such a fit on, each round aims each response at the argument of r that gives what it
/// should, near what the layer now makes (`Rectifier.argument`), and fits the form to these aims: a fit of the same kind, of the
/// same patches and other responses. Steps are lengthened by 1.8, which halves the rounds. What is best behind r on the
/// positions held out is taken, so the result is never worse there than the fit of the responses.
///
/// **Complexity** of a round 3 N T n multiplies for N positions, and a fit.
///
/// **Source** Zhang et al. arXiv 1505.06798, section 3.3, for reduced-rank regression; here for every form, with one weight of the
/// penalty all along and over-relaxation.
struct RectifiedFit {
  let planner: LayerPlanner
  let kernel: LayerKernel
  let form: FactoredForm
  let cost: MeasuredLayer
  let reading: LayerReading
  let rectifier: Rectifier
  let moments: LayerMoments
  let rows: LayerRows

  /// Rounds at most, and the least part of the error that one has to take off for another to follow. On the digit recogniser four
  /// are worth what eight are without lengthened steps.
  private static var rounds: Int { 4 }
  private static var leastGain: Double { 0.005 }
  private static var relaxation: Float { 1.8 }
  /// Positions for each number of a patch: with fewer the aims are learnt by heart. Layers of CRAFT with two came nearer by 20 %
  /// on what was fitted to and by 3 on what was held out.
  private static var leastPositions: Int { 4 }

  /// Whether a layer's rows are worth keeping for it.
  static func suits(_ reading: LayerReading, positions: Int) -> Bool {
    positions >= leastPositions * reading.patch
  }

  /// The best factors found from those of a fit of the responses themselves, with their errors behind the rectifier.
  ///
  /// `ridgeParts` are those of that fit, by group.
  func improved(_ start: LayerFactors, ridgeParts: [Double]) -> LayerFactors {
    BLASLibrary.withThreads(1) {
      var best = judged(start)
      for _ in 0..<Self.rounds {
        guard
          let fit = try? ResponseFit(
            kernel.values, targets(of: best), fitsBias: reading.fitsBias, ridgeParts: ridgeParts,
            starts: best.kernels)
        else { break }
        var options = planner.options
        options.error = fit
        guard
          case .factor(let found) = LayerPlanner(options: options).factor(kernel, form, cost: cost)
        else { break }
        let next = judged(found)
        let gain = best.tellingError - next.tellingError
        if gain > 0 { best = next }
        guard gain >= Self.leastGain * best.tellingError else { break }
      }
      return best
    }
  }

  /// The sums of the patches with the responses that are aimed at next.
  private func targets(of factors: LayerFactors) -> LayerMoments {
    let groups = rows.groups.indices.map { group -> LayerMoments.Group in
      let sums = moments.groups[group].fitted
      let layer = RectifiedGroup(self, factors, group)
      var aims = ResponseAims(sums, threads: planner.options.threads)
      for block in rows.groups[group].fitted.blocks {
        aims.add(layer.aims(block, relaxation: Self.relaxation), patches: block.patches)
      }
      return LayerMoments.Group(
        fitted: aims.moments(), heldOut: ResponseMoments(patch: 0, responses: 0))
    }
    return LayerMoments(groups: groups)
  }

  /// Factors with the errors of their responses behind the rectifier.
  private func judged(_ factors: LayerFactors) -> LayerFactors {
    var (fitted, heldOut) = (RectifiedError(), RectifiedError())
    for (group, rows) in rows.groups.enumerated() {
      let layer = RectifiedGroup(self, factors, group)
      fitted.add(rows.fitted.blocks.map(layer.responses))
      heldOut.add(rows.heldOut.blocks.map(layer.responses))
    }
    var judged = factors
    judged.response?.setErrors(data: fitted.relative ?? 0, heldOut: heldOut.relative)
    return judged
  }
}

/// The rows of a layer, group by group of its channels.
struct LayerRows: Sendable {
  var groups: [(fitted: ResponseRows, heldOut: ResponseRows)]
}

extension LayerFactors {
  /// What factors of one form are compared by.
  fileprivate var tellingError: Double { response.map { $0.heldOutError ?? $0.dataError } ?? .infinity }
}

/// What factors make of one group of a layer's channels in front of the rectifier and behind it.
private struct RectifiedGroup {
  let rectifier: Rectifier
  /// [T, n].
  let rows: Tensor<Float>
  /// What the response is multiplied with, and by channel what the factors, and then the layer, add.
  let gain: Float
  let shift: [Float]
  let offset: [Float]

  init(_ fit: RectifiedFit, _ factors: LayerFactors, _ group: Int) {
    rectifier = fit.rectifier
    let kernel = factors.kernels[group].reconstructed()
    let outputs = kernel.shape[0]
    rows = kernel.reshaped([outputs, kernel.count / outputs])
    let channels = group * outputs..<(group + 1) * outputs
    gain = Float(fit.reading.gain)
    offset = fit.reading.offset[channels].map { Float($0) }
    shift = factors.biasShift.isEmpty ? offset.map { _ in 0 } : factors.biasShift[channels].map { Float($0) }
  }

  /// The responses behind the rectifier: as they should be and as they are, [k, T].
  func responses(_ block: ResponseRows.Block) -> (wanted: Tensor<Float>, made: Tensor<Float>) {
    let made = matrixProduct(block.patches, rows, transposeB: true)
    return (
      map(block.responses) { response, channel in rectifier(gain * response + offset[channel]) },
      map(made) { response, channel in rectifier(gain * (response + shift[channel]) + offset[channel]) }
    )
  }

  /// The responses that are aimed at next, [k, T].
  func aims(_ block: ResponseRows.Block, relaxation: Float) -> Tensor<Float> {
    let made = matrixProduct(block.patches, rows, transposeB: true)
    return block.responses.withSpan { wanted in
      map(made) { response, channel, place in
        let now = gain * (response + shift[channel]) + offset[channel]
        let value = rectifier(gain * wanted[place] + offset[channel])
        let aim = now + relaxation * (rectifier.argument(for: value, near: now) - now)
        return (aim - offset[channel]) / gain
      }
    }
  }

  private func map(_ rows: Tensor<Float>, _ transform: (Float, Int) -> Float) -> Tensor<Float> {
    map(rows) { value, channel, _ in transform(value, channel) }
  }

  private func map(_ rows: Tensor<Float>, _ transform: (Float, Int, Int) -> Float) -> Tensor<Float> {
    let outputs = offset.count
    return Tensor(shape: rows.shape) { mapped in
      rows.withSpan { values in
        for place in values.indices { mapped[place] = transform(values[place], place % outputs, place) }
      }
    }
  }
}

/// The sums of a fit to other responses at the same positions.
private struct ResponseAims {
  private let sums: ResponseMoments
  private let threads: Int
  private var responseSum: [Double]
  private var responseEnergy: [Double]
  private var crossGram: Tensor<Double>

  init(_ sums: ResponseMoments, threads: Int) {
    (self.sums, self.threads) = (sums, threads)
    responseSum = [Double](repeating: 0, count: sums.responseCount)
    responseEnergy = responseSum
    crossGram = Tensor(shape: [sums.responseCount, sums.patchCount])
  }

  /// **Shapes** `aims` [k, T], `patches` [k, n].
  mutating func add(_ aims: Tensor<Float>, patches: Tensor<Float>) {
    GramSums.add(
      productOf: aims.converted(), and: patches.converted(), count: aims.shape[0], to: &crossGram,
      threads: threads)
    let outputs = responseSum.count
    aims.withSpan { aims in
      for place in aims.indices {
        let aim = Double(aims[place])
        responseSum[place % outputs] += aim
        responseEnergy[place % outputs] += aim * aim
      }
    }
  }

  func moments() -> ResponseMoments {
    ResponseMoments(
      count: sums.count, patchSum: sums.patchSum, responseSum: responseSum, patchGram: sums.patchGram,
      crossGram: crossGram, responseEnergy: responseEnergy)
  }
}

/// The relative error of responses behind a rectifier: `E |r(y) - r(made)|² / E |r(y) - mean of r(y)|²`, the root of it.
private struct RectifiedError {
  private var count = 0.0
  private var error = 0.0
  private var energy = 0.0

  /// Nil where there are no positions.
  var relative: Double? {
    guard count > 0 else { return nil }
    return energy > 0 ? (error / energy).squareRoot() : error > 0 ? 1 : 0
  }

  /// Adds all positions of some channels.
  mutating func add(_ blocks: [(wanted: Tensor<Float>, made: Tensor<Float>)]) {
    guard let outputs = blocks.first?.wanted.shape[1] else { return }
    var sums = [Double](repeating: 0, count: outputs)
    var squares = 0.0
    var rows = 0.0
    for (wanted, made) in blocks {
      rows += Double(wanted.shape[0])
      wanted.withSpan { wanted in
        made.withSpan { made in
          for place in wanted.indices {
            let (right, difference) = (Double(wanted[place]), Double(wanted[place] - made[place]))
            sums[place % outputs] += right
            squares += right * right
            error += difference * difference
          }
        }
      }
    }
    count += rows
    energy += max(0, squares - sums.reduce(0) { $0 + $1 * $1 } / rows)
  }
}
