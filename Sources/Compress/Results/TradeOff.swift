/// What budgets cost in error: the curve that `lowrank compress --sweep` prints.
public struct TradeOff: Codable, Sendable {
  /// One budget.
  public struct Point: Codable, Sendable {
    /// The fraction asked for.
    public var fraction: Double
    /// The fraction reached; missing where no choice is that cheap.
    public var achieved: Double?
    /// The cost reached, in `unit`.
    public var cost: Double?
    /// The sum over the layers of the errors, each times the layer's sensitivity, before any iteration lowers them. Those of
    /// CP are interpolated between ranks tried and foretold to be no larger than with fewer terms, which the factors need not
    /// come to: they are a local optimum of their own.
    public var squaredError: Double?
    /// How far above the least possible sum this can be at most, as a part of it.
    public var gap: Double?
  }

  /// What is counted, such as `multiplies` or `weights`.
  public var unit: String
  /// The cost of the model as it is.
  public var total: Double
  /// The budgets in the order asked for.
  public var points: [Point]
}

extension ModelCandidates {
  /// The best choice for each of many budgets, from the one analysis; nothing is factored.
  public func tradeOff(_ fractions: [Double]) -> TradeOff {
    let points = fractions.map { fraction in
      guard let allocation = allocation(fraction: fraction) else { return TradeOff.Point(fraction: fraction) }
      let cost = cost(allocation)
      return TradeOff.Point(
        fraction: fraction, achieved: total > 0 ? cost / total : 0, cost: cost,
        squaredError: allocation.error, gap: allocation.gap)
    }
    return TradeOff(unit: budget.measure.unit, total: total, points: points)
  }

  /// The best choice for budgets spread evenly from the least that can be reached to the whole.
  public func tradeOff(points count: Int) -> TradeOff {
    let least = (leastFraction * 1000).rounded(.up)
    let steps = max(1, count - 1)
    let fractions = (0...steps).map { step -> Double in
      let part = Double(step) / Double(steps)
      return (least + (1000 - least) * part).rounded() / 1000
    }
    return tradeOff(fractions)
  }
}
