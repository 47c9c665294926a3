import Decompose
import ModelGraph

/// What a compression did: the numbers that `lowrank compress --json` prints.
public struct CompressionReport: Codable, Sendable {
  /// The whole model.
  public struct Model: Codable, Sendable {
    /// The weights of all layers listed, bias apart, shared ones counted once.
    public var paramsBefore: Int
    /// The same afterwards.
    public var paramsAfter: Int
    /// The multiplies of all layers whose shapes are known.
    public var macsBefore: Int
    /// The same afterwards.
    public var macsAfter: Int
    /// The size of the model's files.
    public var bytesBefore: Int
    /// The size of the files written; 0 before that.
    public var bytesAfter: Int
  }

  /// How well a budget was shared out, measured on what was written.
  public struct Allocation: Codable, Sendable {
    /// What is counted: `multiplies` or `weights`.
    public var unit: String
    /// The fraction asked for.
    public var fraction: Double
    /// The fraction reached by the model written.
    public var achieved: Double
    /// The sum over the layers of the squared relative errors, each times the layer's sensitivity, from the factors as
    /// written. Layers that share a kernel count as one.
    public var squaredError: Double
    /// No choice among the candidates under the budget has a smaller sum, where the forms that were written count with
    /// the errors of their factors and all others with the errors that the choice went by: those of truncation, of the
    /// truncated HOSVD for Tucker-2, and for CP between those of ranks that were tried. At most `squaredError`.
    ///
    /// It bounds the choice, not the art: HOOI might lower errors of forms that were not chosen below those they count
    /// with.
    public var lowerBound: Double
    /// How far from the best such choice what was written can be at most, as a part of its sum:
    /// `(squaredError - lowerBound) / squaredError`.
    public var gap: Double

    /// Puts the numbers together; the gap follows.
    init(unit: String, fraction: Double, achieved: Double, squaredError: Double, lowerBound: Double) {
      (self.unit, self.fraction, self.achieved) = (unit, fraction, achieved)
      (self.squaredError, self.lowerBound) = (squaredError, lowerBound)
      gap = squaredError > 0 ? (squaredError - lowerBound) / squaredError : 0
    }
  }

  /// One convolution or fully connected layer.
  public struct Layer: Codable, Sendable {
    /// The node's name, or its first output's where it has none.
    public var name: String
    /// The operator: `Conv`, `ConvTranspose`, `Gemm`, `MatMul`.
    public var op: String
    /// [T, S / groups, D...]; empty where the weight could not be read.
    public var kernelShape: [Int]
    /// The number of groups.
    public var group: Int
    /// The form, or `keep`.
    public var method: String
    /// Ranks in mode order; empty where kept.
    public var ranks: [Int]
    /// `||K - reconstruction|| / ||K||`, from the factors as written; where kept that of rounding to
    /// `storage`, 0 where nothing was rounded. Where a BatchNormalization was folded, K
    /// is the kernel with each output channel times its scale.
    public var relativeError: Double
    /// The same of the kernel as it was before a BatchNormalization was folded into it: K and the reconstruction with
    /// each output channel divided by its scale, channels of scale 0 left out. Missing where none was folded.
    public var relativeErrorUnfolded: Double?
    /// An upper bound that theory gives on the error; 0 where kept.
    public var errorBound: Double
    /// The weights, bias apart.
    public var paramsBefore: Int
    /// The same afterwards.
    public var paramsAfter: Int
    /// The multiplies; missing where the shapes are unknown.
    public var macsBefore: Int?
    /// The same afterwards.
    public var macsAfter: Int?
    /// Whether a BatchNormalization was folded into the kernel before it was factored.
    public var foldedBatchNormalization: Bool
    /// The relative error of the layer's responses on the calibration data, `sqrt(E|y - y'|² / E|y - mean y|²)`, y' from
    /// what the compressed network gives the layer, both behind the ReLU, the leaky one or the Clip where nothing else looks at
    /// them and enough positions were seen; missing where there were no data or the layer was kept. Errors of the channels count
    /// by what the network's outputs make of them, unless `Calibration.notWeighed` says why they do not.
    public var dataError: Double?
    /// The same on data that were held out of the fit.
    public var heldOutError: Double?
    /// The milliseconds of the layer in its place; missing where time was not looked at.
    public var msBefore: Double?
    /// The same afterwards.
    public var msAfter: Double?
    /// How the weights are stored: `int8`, `float16`, `float32` and so on; missing where they could not be read.
    public var storage: String?
    /// Why the layer was kept; missing where it was factored.
    public var reason: String?
    /// What is lost at each rank; missing unless the options ask for it and the layer could be analysed.
    public var spectrum: LayerSpectrum?

    /// Whether the layer was replaced by stages.
    public var isFactored: Bool { reason == nil }
  }

  /// The whole model.
  public var model: Model
  /// Its layers in the graph's order.
  public var layers: [Layer]
  /// How the budget was shared out; missing where there was none.
  public var allocation: Allocation?
  /// What a run takes, and what a budget of time came to; missing where time was not looked at.
  public var time: Time?
  /// Why the finished network was not timed; missing where it was, or where nobody was to.
  public var notTimed: String?
  /// What the data said; missing where there were none, and errors are then those of the weights alone.
  public var calibration: Calibration?
  /// The time from reading to writing; 0 until the caller sets it.
  public var elapsedSeconds: Double
}

extension CompressionReport {
  init(_ work: LayerWork, _ plans: [Int: LayerPlan], bytesBefore: Int) {
    let layers = work.layers.indices.map { Layer(work, at: $0, plans[$0]) }
    let firstUses = work.firstUses(among: layers.indices)
    // A weight stays while one layer is left that needs it; factors come once for each group.
    let kept = work.firstUses(among: layers.indices.filter { !layers[$0].isFactored })
    let factored = work.groups.map { $0.members[0] }.filter { layers[$0].isFactored }
    func sum(_ places: some Sequence<Int>, _ value: (Layer) -> Int?) -> Int {
      places.reduce(0) { total, place in
        let (sum, overflow) = total.addingReportingOverflow(value(layers[place]) ?? 0)
        return overflow ? .max : sum
      }
    }
    model = Model(
      paramsBefore: sum(firstUses, \.paramsBefore), paramsAfter: sum(kept + factored, \.paramsAfter),
      macsBefore: sum(layers.indices, \.macsBefore), macsAfter: sum(layers.indices, \.macsAfter),
      bytesBefore: bytesBefore, bytesAfter: 0)
    self.layers = layers
    elapsedSeconds = 0
  }
}

extension CompressionReport.Layer {
  fileprivate init(_ work: LayerWork, at place: Int, _ plan: LayerPlan?) {
    let (layer, cost) = (work.layers[place], work.costs[place])
    name = layer.name
    op = layer.op.rawValue
    kernelShape = layer.kernelShape?.extents ?? []
    group = layer.groups
    paramsBefore = cost?.weights(.dense) ?? 0
    macsBefore = cost?.multiplies(.dense)
    spectrum = plan?.spectrum
    storage = layer.elementType?.name
    if case .factor(let factors) = plan?.choice {
      let form = factors.form
      method = form.kind.name
      ranks = form.ranks
      relativeError = factors.relativeError
      relativeErrorUnfolded = factors.unfoldedError
      errorBound = factors.errorBound
      (dataError, heldOutError) = (factors.response?.dataError, factors.response?.heldOutError)
      paramsAfter = cost?.weights(form) ?? 0
      macsAfter = cost?.multiplies(form)
      foldedBatchNormalization = layer.foldsBatchNormalization
      reason = nil
      storage = factors.format.name ?? storage
    } else {
      method = "keep"
      ranks = []
      (relativeError, relativeErrorUnfolded, errorBound) = (0, nil, 0)
      (paramsAfter, macsAfter) = (paramsBefore, macsBefore)
      foldedBatchNormalization = false
      if case .keep(let why) = plan?.choice {
        reason = why
      } else {
        reason = work.obstacles[place] ?? "not considered"
      }
    }
  }
}
