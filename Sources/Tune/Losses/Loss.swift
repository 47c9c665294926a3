/// What a loss is of.
public enum LossKind: String, Sendable, CaseIterable {
  /// The mean squared error of maps and features, over the variance of the teacher's.
  case meanSquare = "mse"
  /// The Kullback-Leibler divergence of classes' probabilities at a temperature.
  case divergence = "kl"
}

/// A value of the network that is tuned, and the teacher's that it is to come near to.
public struct Match: Sendable {
  /// The value in the network that is tuned.
  public let value: String
  /// The value in the teacher.
  public let teacher: String
  /// How far they lie apart.
  public let loss: LossKind

  /// A value and its teacher's.
  public init(value: String, teacher: String, loss: LossKind) {
    (self.value, self.teacher, self.loss) = (value, teacher, loss)
  }
}

/// A match as a part of a loss.
struct LossTerm: Sendable {
  let match: Match
  let weight: Double
}

extension [Match] {
  /// The mean over the matches, times a weight.
  func mean(weight: Double = 1) -> [LossTerm] { map { LossTerm(match: $0, weight: weight / Double(count)) } }
}
