import Forms
import ModelGraph

/// What the layers of a model take in some forms, on some machine: what `lowrank profile` writes and prices come from.
public struct TimeTable: Codable, Hashable, Sendable {
  /// The runtime that was timed: `lowrank`, `onnxruntime`.
  public var runtime: String
  /// The machine.
  public var machine: String
  /// The threads of a run.
  public var threads: Int
  /// The channels of a vector there.
  public var lanes: Int
  /// Milliseconds of the whole model as it is.
  public var networkMs: Double
  /// The layers in the graph's order.
  public var layers: [Layer]

  /// One layer.
  public struct Layer: Codable, Hashable, Sendable {
    /// The node's name, or its first output's where it has none.
    public var name: String
    /// [T, S / groups, D...]
    public var kernel: [Int]
    /// The number of groups.
    public var group: Int
    /// Spatial extents before the layer.
    public var input: [Int]
    /// Spatial extents after it.
    public var output: [Int]
    /// The batch, or the rows that a matrix is applied to.
    public var repetitions: Int
    /// Milliseconds of the layer as it is, with what is fused to it.
    public var ms: Double
    /// The forms that were timed in its place.
    public var forms: [Form]
    /// The kinds of form of which no rank is worth looking at.
    public var slower: [String]
  }

  /// A form of a layer.
  public struct Form: Codable, Hashable, Sendable {
    /// The form with its ranks, as on the command line: `tucker2:64,32`.
    public var form: String
    /// Milliseconds of all its stages, with what is fused to them.
    public var ms: Double
  }
}

extension TimeTable {
  /// Milliseconds of what belongs to no layer, so that all layers and this are the whole.
  public var restMs: Double { max(0, networkMs - layers.reduce(0) { $0 + $1.ms }) }

  /// Requires that this is a table of sound times of a model's layers.
  ///
  /// **Throws** `TimingError.table` with what does not fit.
  func check(against work: LayerWork) throws(TimingError) {
    guard threads >= 1, lanes >= 1, networkMs.isFinite, networkMs > 0 else {
      throw .table(reason: "\(threads) threads, \(lanes) lanes and \(networkMs) ms are no times of a network")
    }
    let known = work.layers.indices.filter { work.costs[$0]?.uses != nil }
    guard layers.count == known.count else {
      throw .table(
        reason:
          "it is of a network of \(layers.count) layers, the model has \(known.count): profile this model"
      )
    }
    for (row, place) in zip(layers, known) {
      guard let cost = work.costs[place], let use = cost.uses?.first, row.isOf(work.layers[place], cost, use)
      else {
        throw .table(
          reason: "its layer '\(row.name)' of \(row.kernel) on \(row.input) is not the model's layer "
            + "'\(work.layers[place].name)': profile this model with these input shapes")
      }
      let times = row.forms.map(\.ms) + [row.ms]
      guard times.allSatisfy({ $0.isFinite && $0 >= 0 }),
        row.forms.allSatisfy({ FactoredForm($0.form)?.fits(kernel: cost.kernel) == true })
      else {
        throw .table(reason: "its layer '\(row.name)' has a form or a time that is none")
      }
    }
  }
}

extension TimeTable.Layer {
  /// A row without times.
  init(_ layer: FactorableLayer, _ cost: MeasuredLayer, _ use: LayerExtents) {
    self.init(
      name: layer.name, kernel: cost.kernel.extents, group: cost.groups, input: use.input,
      output: use.output, repetitions: use.repetitions, ms: 0, forms: [], slower: [])
  }

  fileprivate func isOf(_ layer: FactorableLayer, _ cost: MeasuredLayer, _ use: LayerExtents) -> Bool {
    let other = TimeTable.Layer(layer, cost, use)
    return name == other.name && kernel == other.kernel && group == other.group && input == other.input
      && output == other.output && repetitions == other.repetitions
  }
}
