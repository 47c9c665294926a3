/// What a whole model may cost; the layers share it so that the sum of their squared relative errors is least.
public enum Budget: Hashable, Sendable, CustomStringConvertible {
  /// This fraction of the multiplies of all layers.
  case multiplies(Double)
  /// This fraction of the weights of all layers.
  case weights(Double)

  /// The fraction to keep.
  public var fraction: Double {
    switch self {
    case .multiplies(let fraction), .weights(let fraction): fraction
    }
  }

  /// What is counted.
  public var unit: String {
    switch self {
    case .multiplies: "multiplies"
    case .weights: "weights"
    }
  }

  /// The same count with another fraction.
  public func with(fraction: Double) -> Budget {
    switch self {
    case .multiplies: .multiplies(fraction)
    case .weights: .weights(fraction)
    }
  }

  /// The budget as on the command line.
  public var description: String {
    switch self {
    case .multiplies(let fraction): "macs \(fraction)"
    case .weights(let fraction): "params \(fraction)"
    }
  }
}
