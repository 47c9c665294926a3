import Maps
import Tensors

/// What a resampled element is made of.
struct ResizeFilter: Sendable {
  enum Mode: Sendable {
    case nearest(Rounding)
    case linear
    case cubic(a: Float)
  }

  /// How a position between two elements is rounded.
  enum Rounding: String, CaseIterable, Sendable {
    case preferFloor = "round_prefer_floor"
    case preferCeiling = "round_prefer_ceil"
    case floor
    case ceiling = "ceil"
    /// What the standard's version 10 does: up where the extent shrinks, else down.
    case simple

    fileprivate func rounded(_ x: Float, shrinks: Bool) -> Float {
      switch self {
      case .preferFloor: x == x.rounded(.down) + 0.5 ? x.rounded(.down) : x.rounded(.toNearestOrAwayFromZero)
      case .preferCeiling: x.rounded(.toNearestOrAwayFromZero)
      case .floor: x.rounded(.down)
      case .ceiling: x.rounded(.up)
      case .simple: shrinks ? x.rounded(.up) : x.rounded(.towardZero)
      }
    }
  }

  let mode: Mode
  /// Whether taps outside do not count, rather than read what is at the edge.
  let excludesOutside: Bool
  /// Whether the filter widens where the extent shrinks.
  let antialiases: Bool

  /// The taps of each position.
  func taps(_ coordinates: ResizeCoordinates) -> ResampleRun.Taps {
    let last = coordinates.input - 1
    if case .nearest(let rounding) = mode {
      let indices = (0..<coordinates.output).map { position in
        let x = rounding.rounded(coordinates.original(position), shrinks: coordinates.scale < 1)
        return Int32(min(max(x, 0), Float(last)))
      }
      return .init(terms: 1, indices: indices, weights: indices.map { _ in 1 })
    }
    // Never more taps than elements: those outside join those at the edge.
    let stretch = antialiases && coordinates.scale < 1 ? Double(coordinates.scale) : 1
    let reach = min((support / stretch).rounded(.up), Double(coordinates.input) + 1)
    let positions = (0..<coordinates.output).map { position in
      taps(Double(coordinates.original(position)), last: last, reach: Int(reach), stretch: stretch)
    }
    let terms = positions.reduce(1) { max($0, $1.count) }
    var (indices, weights) = ([Int32](), [Float]())
    for taps in positions {
      // Missing taps read what another reads, with a weight of 0.
      let sorted = taps.sorted { $0.key < $1.key }
      for k in 0..<terms {
        let tap = k < sorted.count ? sorted[k] : (key: sorted.first?.key ?? 0, value: 0)
        indices.append(Int32(tap.key))
        weights.append(Float(tap.value))
      }
    }
    return .init(terms: terms, indices: indices, weights: weights)
  }

  /// How far the filter reaches.
  private var support: Double {
    if case .cubic = mode { 2 } else { 1 }
  }

  /// The weights of the elements around a position.
  private func taps(_ position: Double, last: Int, reach: Int, stretch: Double) -> [Int: Double] {
    // Positions far outside are as those at the edge.
    let x = min(max(position, -Double(reach) - 1), Double(last + reach) + 1)
    let middle = Int(x.rounded(.down))
    var weights: [Int: Double] = [:]
    var sum = 0.0
    for tap in middle - reach...middle + reach {
      let weight = weight(stretch * (Double(tap) - x))
      guard weight != 0, !excludesOutside || (tap >= 0 && tap <= last) else { continue }
      weights[min(max(tap, 0), last), default: 0] += weight
      sum += weight
    }
    guard sum != 0 else { return [min(max(middle, 0), last): 1] }
    return excludesOutside || stretch != 1 ? weights.mapValues { $0 / sum } : weights
  }

  /// The filter at a distance.
  private func weight(_ distance: Double) -> Double {
    let x = abs(distance)
    switch mode {
    case .nearest: return x < 0.5 ? 1 : 0
    case .linear: return max(0, 1 - x)
    case .cubic(let a):
      // Keys' kernel.
      let a = Double(a)
      if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }
  }
}
