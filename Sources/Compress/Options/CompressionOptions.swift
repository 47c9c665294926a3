/// What `compress` does to a model.
public struct CompressionOptions: Sendable {
  /// The forms to choose among.
  public var method = CompressionMethod.auto
  /// How ranks are chosen where there is no budget.
  public var criterion = RankCriterion.error(0.3)
  /// What forms of a layer are compared by where there is no budget; weights where it does not know a layer.
  public var cost: any CostMeasure = MultiplyCount()
  /// What is lost in a layer.
  public var error: any ErrorMeasure = WeightError()
  /// What the whole model may cost; nil to choose each layer's ranks on its own.
  public var budget: Budget?
  /// What an error of a layer weighs under a budget, by the layer's name; 1 for layers that are not named.
  ///
  /// The sum over the layers of `sensitivity x error` is made least. A layer that shares its kernel with others counts as all of
  /// them together.
  public var sensitivities: [String: Double] = [:]
  /// Ranks are rounded up to a multiple of this, or to the full extent.
  public var rankMultiple = CompressionOptions.defaultRankMultiple
  /// Layers to factor; nil for all. A regular expression that has to match somewhere in the layer's name, and in one
  /// layer's name at least: a pattern that matches none is an error.
  public var layers: String?
  /// Layers to keep, whatever `layers` says; likewise.
  public var skip: String?
  /// Whether BatchNormalization straight behind a convolution is folded into it where that is factored.
  public var foldsBatchNormalization = true
  /// How weights are stored.
  public var weights = WeightStorage.original
  /// What `WeightStorage.auto` leaves out.
  var slowFormats = SlowFormats()
  /// Layers factored at the same time, each with BLAS on one thread.
  public var threads = 1
  /// Whether the report holds each layer's spectrum, as `HTMLReport` draws it.
  public var recordsSpectra = false
  /// Shapes for inputs that the model leaves open, by name.
  public var inputShapes: [String: [Int]] = [:]

  /// The defaults.
  public init() {}

  /// The number of Float lanes of the vector registers that every machine of this architecture has, at least those of
  /// 256 bits on x86-64.
  public static var defaultRankMultiple: Int {
    #if arch(x86_64)
      8
    #else
      4
    #endif
  }
}
