/// What shape inference may take for granted.
package struct ShapeAssumptions: Sendable {
  /// The extents of inputs by name, in place of those that the model gives.
  package var inputs: [String: [Int]]
  /// Whether what the model says of values between its nodes holds.
  package var trustsFile: Bool
  /// Whether an open first axis of an input is a batch of one.
  package var takesBatchForOne: Bool

  package init(inputs: [String: [Int]] = [:], trustsFile: Bool, takesBatchForOne: Bool) {
    self.inputs = inputs
    self.trustsFile = trustsFile
    self.takesBatchForOne = takesBatchForOne
  }

  func extents(of input: ValueInfo) -> [Int?]? {
    if let given = inputs[input.name] { return given }
    guard takesBatchForOne, var extents = input.extents, !extents.isEmpty else { return input.extents }
    extents[0] = extents[0] ?? 1
    return extents
  }
}
