/// How near factors come to what a layer should respond to data.
public struct ResponseCertificate: Hashable, Sendable, Codable {
  /// The relative error of the responses on the data that were fitted to, the bias being the best one:
  ///
  ///     sqrt( E |y - W' x - b'|² / E |y - mean of y|² )
  ///
  /// about 0 instead of the mean where the layer has no bias to shift; 0 where both are 0, 1 where y alone does not vary.
  public let relativeError: Double
  /// The same on the held-out data with the bias of the others; nil where there were none.
  public let heldOutError: Double?
  /// The relative error with the ridge, what is made least: comparable with `FormAnalysis.relativeError(_:)`.
  public let fittedError: Double
  /// What is to be added to the layer's own bias, one an output channel; empty where it cannot have one.
  public let biasShift: [Double]
  /// The ridge towards the layer's own kernel, in squared units of x.
  public let ridge: Double
  /// The positions that were fitted to.
  public let positions: Int

  /// Puts the evidence together.
  public init(
    relativeError: Double, heldOutError: Double?, fittedError: Double, biasShift: [Double], ridge: Double,
    positions: Int
  ) {
    self.relativeError = relativeError
    self.heldOutError = heldOutError
    self.fittedError = fittedError
    self.biasShift = biasShift
    self.ridge = ridge
    self.positions = positions
  }
}
