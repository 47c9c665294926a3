/// What a model holds and what factoring could save: the numbers that `lowrank inspect --json` prints.
public struct InspectionReport: Codable, Sendable {
  /// The whole model.
  public struct Model: Codable, Sendable {
    /// The weights of all layers listed, bias apart, shared ones counted once.
    public var params: Int
    /// The multiplies of all layers whose shapes are known.
    public var macs: Int
    /// The size of the model's files.
    public var bytes: Int
    /// The version of the standard operators.
    public var opset: Int
    /// The inputs, open extents written as `?`.
    public var inputs: [Input]
  }

  /// One input of the model.
  public struct Input: Codable, Sendable {
    /// Its name.
    public var name: String
    /// Its extents; missing where they are open.
    public var shape: [Int?]?
  }

  /// The ranks that retain a part of the energy.
  public struct EnergyRanks: Codable, Sendable {
    /// The part, 0 to 1.
    public var energy: Double
    /// One rank a mode, output channels first.
    public var ranks: [Int]
  }

  /// What a form would cost.
  public struct Form: Codable, Sendable {
    /// The form.
    public var method: String
    /// Its ranks in mode order.
    public var ranks: [Int]
    /// The relative error of the truncation, for CP that of the factors; HOOI may lower Tucker-2's, and rounding to
    /// half precision raise it. Where a BatchNormalization is folded, of the kernel that it scaled.
    public var relativeError: Double
    /// Weights, bias apart.
    public var params: Int
    /// Multiplies; missing where the shapes are unknown.
    public var macs: Int?
  }

  /// One convolution or fully connected layer.
  public struct Layer: Codable, Sendable {
    /// The node's name, or its first output's where it has none.
    public var name: String
    /// The operator.
    public var op: String
    /// [T, S / groups, D...]; empty where the weight could not be read.
    public var kernelShape: [Int]
    /// The number of groups.
    public var group: Int
    /// Weights, bias apart.
    public var params: Int
    /// Multiplies; missing where the shapes are unknown.
    public var macs: Int?
    /// The ranks for 80, 90, 95 and 99 % of the energy.
    public var energyRanks: [EnergyRanks]
    /// The forms that suit the layer, each with the ranks that the criterion asks for; the one that `compress` takes
    /// first, if it takes any.
    public var forms: [Form]
    /// Why the layer would be left alone; missing where it would be factored.
    public var reason: String?
  }

  /// The whole model.
  public var model: Model
  /// Its layers in the graph's order.
  public var layers: [Layer]
}
