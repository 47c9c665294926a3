public import Forms
import Tensors

/// What layers cost, in whatever unit: what budgets are given in, and forms compared by.
///
/// A new measure conforms here; allocation, bounds, trade-offs and reports take it as it comes.
public protocol CostMeasure: Sendable {
  /// What is counted, for people and in reports: `multiplies`.
  var unit: String { get }
  /// The word of the option that gives a budget of it: `macs`.
  var option: String { get }
  /// The least difference between two costs: 1 for counts, 0 for what is measured.
  var step: Double { get }
  /// Whether layers that share a weight cost no more than one of them, as weights themselves do.
  var isShared: Bool { get }
  /// What to say behind a layer's name and that its cost is unknown.
  var advice: String { get }

  /// The cost of a layer in a form, or of all layers that share a kernel; nil where it is unknown, which rules the form
  /// out.
  func cost(of layer: MeasuredLayer, in form: FactoredForm) -> Double?
  /// What the model costs besides its layers; nothing for measures that do not say.
  var rest: RestCost { get }
  /// Whether no rank of a kind of form can gain anything for a layer, so that it need not be analysed; false for measures
  /// that do not say.
  func rulesOut(_ kind: FormKind, for layer: MeasuredLayer) -> Bool
}

extension CostMeasure {
  /// Nothing.
  public var rest: RestCost { RestCost(before: 0, after: 0) }
  /// False.
  public func rulesOut(_ kind: FormKind, for layer: MeasuredLayer) -> Bool { false }
}

/// What a model costs besides its layers.
public struct RestCost: Hashable, Sendable {
  /// With the layers as they are.
  public let before: Double
  /// With layers brought into forms.
  public let after: Double

  /// The cost before and after.
  public init(before: Double, after: Double) { (self.before, self.after) = (before, after) }
}

/// The multiplies of a layer, where the model's shapes are known.
public struct MultiplyCount: CostMeasure {
  /// `multiplies`.
  public let unit = "multiplies"
  /// `macs`.
  public let option = "macs"
  /// 1.
  public let step = 1.0
  /// False: each layer does its own.
  public let isShared = false
  /// Options that tell the shapes, or do without them.
  public let advice =
    "as the model leaves shapes open: give --input-shape NAME=..., or a budget of weights with --params"

  /// The measure.
  public init() {}

  /// The multiplies of all stages; nil where extents are unknown.
  public func cost(of layer: MeasuredLayer, in form: FactoredForm) -> Double? {
    layer.multiplies(form).map { Double($0) }
  }
}

/// The weights of a layer, bias apart.
public struct WeightCount: CostMeasure {
  /// `weights`.
  public let unit = "weights"
  /// `params`.
  public let option = "params"
  /// 1.
  public let step = 1.0
  /// True.
  public let isShared = true
  /// That there is no kernel.
  public let advice = "as its kernel cannot be read"

  /// The measure.
  public init() {}

  /// The weights of all stages.
  public func cost(of layer: MeasuredLayer, in form: FactoredForm) -> Double? {
    Double(layer.weights(form))
  }
}

/// A cost as text: counts as the whole numbers that they are.
func costText(_ cost: Double) -> String { Int(exactly: cost).map(String.init) ?? String(cost) }
