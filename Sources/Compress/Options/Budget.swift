/// What a whole model may cost; the layers share it so that the sum of their errors is least.
public struct Budget: Sendable, CustomStringConvertible {
  /// What is counted.
  public let measure: any CostMeasure
  /// The part of the cost of all layers to keep.
  public let fraction: Double

  /// A part of what all layers cost.
  public init(_ fraction: Double, of measure: any CostMeasure) {
    self.measure = measure
    self.fraction = fraction
  }

  /// This fraction of the multiplies of all layers.
  public static func multiplies(_ fraction: Double) -> Budget { Budget(fraction, of: MultiplyCount()) }

  /// This fraction of the weights of all layers.
  public static func weights(_ fraction: Double) -> Budget { Budget(fraction, of: WeightCount()) }

  /// The budget as on the command line.
  public var description: String { "\(measure.option) \(fraction)" }
}
