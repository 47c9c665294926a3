/// What a compression did: the numbers that `lowrank compress --json` prints.
public struct CompressionReport: Codable, Sendable {
  /// The whole model.
  public struct Model: Codable, Sendable {
    /// The weights of all layers listed, bias apart.
    public var paramsBefore: Int
    /// The same afterwards.
    public var paramsAfter: Int
    /// The multiplies of all layers whose shapes are known.
    public var macsBefore: Int
    /// The same afterwards.
    public var macsAfter: Int
    /// The size of the model's files.
    public var bytesBefore: Int
    /// The size of the file written.
    public var bytesAfter: Int
  }

  /// One convolution or fully connected layer.
  public struct Layer: Codable, Sendable {
    /// The node's name, or its first output's where it has none.
    public var name: String
    /// The operator: `Conv`, `ConvTranspose`, `Gemm`, `MatMul`.
    public var op: String
    /// [T, S / groups, D...]; empty where the weight could not be read.
    public var kernelShape: [Int]
    /// The number of groups.
    public var group: Int
    /// The form, or `keep`.
    public var method: String
    /// Ranks in mode order; empty where kept.
    public var ranks: [Int]
    /// `||K - reconstruction|| / ||K||`, from the factors as written; 0 where kept.
    public var relativeError: Double
    /// An upper bound that theory gives on the error; 0 where kept.
    public var errorBound: Double
    /// The weights, bias apart.
    public var paramsBefore: Int
    /// The same afterwards.
    public var paramsAfter: Int
    /// The multiplies; null where the shapes are unknown.
    public var macsBefore: Int?
    /// The same afterwards.
    public var macsAfter: Int?
    /// Why the layer was kept; null where it was factored.
    public var reason: String?
  }

  /// The whole model.
  public var model: Model
  /// Its layers in the graph's order.
  public var layers: [Layer]
  /// How many BatchNormalization nodes were folded into the convolutions before them.
  public var foldedBatchNormalizations: Int
  /// The time from reading to writing.
  public var elapsedSeconds: Double
}
