/// A change of a model that leaves what it computes as it was.
public protocol GraphPass: Sendable {
  /// What the pass is called in its notes and on the command line.
  static var name: String { get }

  /// Changes the model.
  ///
  /// **Returns** what was done, a line a place; nothing where nothing was.
  ///
  /// **Throws** `ModelError` where constants lie in files that cannot be read.
  func apply(to model: inout ModelGraph) throws(ModelError) -> [PassNote]
}

/// What a pass did at one place.
public struct PassNote: Sendable, Hashable, CustomStringConvertible {
  /// The pass.
  public let pass: String
  /// The node that was changed, or the value.
  public let place: String
  /// What was done.
  public let text: String

  /// `pass: place: text`
  public var description: String { "\(pass): \(place): \(text)" }
}

extension GraphPass {
  /// A note of this pass.
  public func note(_ place: String, _ text: String) -> PassNote {
    PassNote(pass: Self.name, place: place, text: text)
  }
}

extension ModelGraph {
  /// Applies passes, one after the other.
  ///
  /// **Returns** what they did.
  ///
  /// **Throws** `ModelError` as the passes do.
  public mutating func apply(_ passes: [any GraphPass]) throws(ModelError) -> [PassNote] {
    var notes: [PassNote] = []
    for pass in passes { notes += try pass.apply(to: &self) }
    return notes
  }
}
