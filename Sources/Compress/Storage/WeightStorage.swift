/// How `compress` stores the weights of a model: factors, and what is kept.
///
/// Weights of float32 alone are stored anew; what a model has in half precision or in integers stays as it is. Nodes see
/// float32 either way: shorter numbers stand behind a `Cast` or a `DequantizeLinear`.
public enum WeightStorage: String, Sendable, CaseIterable {
  /// As the model has them.
  case original
  /// In half precision, also all other large constants.
  case float16
  /// As integers from -127 to 127 with one scale an output channel; other large constants in half precision.
  case int8
  /// As integers where that adds little to the error that a layer has anyway, else in half precision; under a budget of time that
  /// is timed here, in no format in which a layer is slower.
  case auto
}

/// How the numbers of one weight are stored.
enum WeightFormat: Hashable, Sendable {
  /// As the model has its weights.
  case original
  /// Half precision behind a Cast.
  case float16
  /// Integers behind a DequantizeLinear.
  case int8
}

/// Which format a weight of a model gets.
struct FormatChoice: Sendable {
  private let storage: WeightStorage
  private let opset: Int
  /// No format may lift the error over this.
  private let limit: Double
  private let slow: Set<WeightFormat>

  /// Opsets whose `Cast` names its type by a number.
  private static let opsetWithCast = 6
  /// Opsets whose `DequantizeLinear` has one scale a channel.
  private static let opsetWithChannelScales = 13

  /// The choice for `storage` in a model of `opset`; a limit on the error is one of the criterion, and what `auto` takes is not
  /// among the formats that are `slow`.
  init(_ storage: WeightStorage, opset: Int, slow: Set<WeightFormat>, limit: Double = .infinity) {
    (self.storage, self.opset, self.slow, self.limit) = (storage, opset, slow, limit)
  }

  /// The formats to try, the one wished for first; the last one always does. Where the opset has no operator for one, it is
  /// left out.
  var formats: [WeightFormat] {
    let wished: [WeightFormat] =
      switch storage {
      case .original: []
      case .float16: [.float16]
      case .int8: [.int8, .float16]
      case .auto: [.int8, .float16].filter { !slow.contains($0) }
      }
    return wished.filter { format in
      opset >= (format == .int8 ? Self.opsetWithChannelScales : Self.opsetWithCast)
    } + [.original]
  }

  /// Whether a format does, where the error as stored is `error`, and `exact` in float32.
  ///
  /// Half precision rounds each of four stages at most by 2^-11 of a number, so that more than 2^-9 comes of numbers under
  /// its range; integers do in `auto` where they add a twentieth to the error at most.
  func accepts(_ format: WeightFormat, error: Double, exact: Double) -> Bool {
    guard error.isFinite, error <= max(limit, exact) else { return false }
    switch format {
    case .original: return true
    case .float16: return error <= exact + 0x1p-9
    case .int8: return storage == .int8 || error <= 1.05 * exact
    }
  }
}
