import Forms
import Tensors

/// Why a layer takes the time that it takes, and at which ranks each form of it would take as long: what `lowrank inspect
/// --why` shows before anything is compressed.
public struct LayerDiagnosis: Codable, Hashable, Sendable {
  /// A form that would take as long as the layer does.
  public struct BreakEven: Codable, Hashable, Sendable {
    /// The form with the largest ranks that are no slower; one rank less of each is faster.
    public var form: String
    /// Its weights as a part of the layer's own.
    public var weights: Double
  }

  /// The node's name, or its first output's where it has none.
  public var name: String
  /// The operator.
  public var op: String
  /// [T, S / groups, D...]
  public var kernel: [Int]
  /// The number of groups.
  public var group: Int
  /// Milliseconds in its place, with what is fused to it.
  public var ms: Double
  /// Milliseconds that the machine cannot go below with the plain algorithm: the longer of what the multiplies take at its
  /// peak and what the weights and maps take to come from memory and go there once. Winograd's forms multiply less.
  public var rooflineMs: Double
  /// 2 x multiplies / time, in 10^9 a second.
  public var gflops: Double
  /// Whether memory is what the bound comes from.
  public var isMemoryBound: Bool
  /// The ranks at which forms break even in time; kinds that never do are left out.
  public var breakEven: [BreakEven]
  /// The kinds that are no faster at a quarter of the weights, or far behind others with as many.
  public var slower: [String]
  /// What stands in the way, in words.
  public var obstacles: [String]
}

/// What a machine can do at best.
public struct Roofline: Codable, Hashable, Sendable {
  /// 10^9 floating-point operations a second, of a product whose operands lie in the caches.
  public var gflops: Double
  /// 10^9 bytes a second from memory and to it.
  public var gigabytes: Double

  /// Milliseconds of so many multiplies and bytes at least, and whether it is memory that says so.
  func least(multiplies: Int, bytes: Int) -> (ms: Double, isMemoryBound: Bool) {
    let (arithmetic, memory) = (2 * Double(multiplies) / gflops / 1e6, Double(bytes) / gigabytes / 1e6)
    return (max(arithmetic, memory), memory > arithmetic)
  }
}

/// The layers of a network by what they lose, worst first.
public struct TimeInspection: Codable, Hashable, Sendable {
  /// What ran it.
  public var runtime: String
  /// The machine.
  public var machine: String
  /// The threads of a run.
  public var threads: Int
  /// Milliseconds of the whole network.
  public var networkMs: Double
  /// Milliseconds of what belongs to no layer.
  public var restMs: Double
  /// What the machine can do, as measured.
  public var roofline: Roofline
  /// The layers, those first that are furthest above their bound in milliseconds.
  public var layers: [LayerDiagnosis]
}
