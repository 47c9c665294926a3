extension CompressionReport {
  /// What the data said: how far the finished network's answers are from the original's on inputs that it was not fitted
  /// to.
  public struct Calibration: Codable, Sendable {
    /// One output of the network on the inputs that were held out.
    public struct Output: Codable, Sendable {
      /// Its name.
      public var name: String
      /// `sqrt( sum (y - y')² / sum (y - mean y)² )` over all held-out inputs, y the original's answer; of a matrix the
      /// mean is that of each column.
      public var relativeError: Double
      /// The same in front of the Softmax or Sigmoid that makes the output, whose saturation hides errors; missing where
      /// there is none.
      public var scoreError: Double?
      /// The relative error of the network that the same budget gives without data; missing where nobody looked.
      public var uncalibratedError: Double?
      /// The same in front of the Softmax or Sigmoid.
      public var uncalibratedScoreError: Double?
      /// The error of the network that was fitted to the data, where the one without them was taken as it was nearer.
      public var rejectedError: Double?
      /// What the layers' errors and their weights foretold; missing where there were none.
      public var predictedError: Double?
      /// The part of the inputs for which both networks name the same class; missing where the output names none.
      public var agreement: Double?
      /// `20 log10(range / rms(y - y'))` in decibels, `range` the original's largest answer less its least; missing
      /// where the output is no picture or map.
      public var decibels: Double?

      /// Puts the figures together.
      public init(
        name: String, relativeError: Double, scoreError: Double? = nil, uncalibratedError: Double? = nil,
        predictedError: Double? = nil, agreement: Double? = nil, decibels: Double? = nil
      ) {
        (self.name, self.relativeError, self.scoreError) = (name, relativeError, scoreError)
        (self.uncalibratedError, self.predictedError) = (uncalibratedError, predictedError)
        (self.agreement, self.decibels) = (agreement, decibels)
      }

      /// The error that foretold ones are of and networks are compared by: in front of a saturation where there is one.
      public var tellingError: Double { scoreError ?? relativeError }
      /// The same of the network without data.
      public var tellingUncalibratedError: Double? { uncalibratedScoreError ?? uncalibratedError }
    }

    /// What a layer alone was foretold to do to the network's outputs, and what it did: a point of the picture that says
    /// how far predictions can be trusted.
    public struct Probe: Codable, Sendable {
      /// The layer.
      public var layer: String
      /// The squared relative error of the outputs that was foretold.
      public var predicted: Double
      /// That which was measured.
      public var measured: Double

      /// Puts both together.
      public init(layer: String, predicted: Double, measured: Double) {
        (self.layer, self.predicted, self.measured) = (layer, predicted, measured)
      }
    }

    /// The inputs that the layers were fitted to.
    public var samples: Int
    /// The inputs that were held out; 0 where there were too few, and the errors are then those of the fit.
    public var heldOut: Int
    /// The positions of maps looked at, of all layers together.
    public var positions: Int
    /// How the layers were fitted: `asymmetric` (each on what the compressed network gives it) or `symmetric` (each on its
    /// original input, from moments alone), or `weights`: the network without data came nearer and was taken.
    public var fit: String
    /// The network's outputs; empty where only moments were at hand.
    public var outputs: [Output]
    /// Foretold and true errors, layer by layer.
    public var probes: [Probe]
    /// Why there is no network without data to compare with; missing where there is one, or nobody looked.
    public var notCompared: String?
    /// Why errors of a layer's responses count alike, whatever each does to the network's outputs; missing where they count by that.
    public var notWeighed: String?
    /// Answers of a few held-out inputs that are pictures or maps; of a report with pictures alone, and in no JSON.
    public var pictures: [AnswerPicture] = []

    private enum CodingKeys: String, CodingKey {
      case samples, heldOut, positions, fit, outputs, probes, notCompared, notWeighed
    }

    /// Puts the figures together.
    public init(
      samples: Int, heldOut: Int, positions: Int, fit: String, outputs: [Output] = [], probes: [Probe] = []
    ) {
      (self.samples, self.heldOut, self.positions) = (samples, heldOut, positions)
      (self.fit, self.outputs, self.probes) = (fit, outputs, probes)
    }
  }
}
