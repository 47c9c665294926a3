/// What is wrong with a convolution that comes from outside.
public enum ConvError: Error, Hashable, Sendable {
  /// A list of per-axis numbers does not have one for each spatial axis.
  case wrongCount(what: String, count: Int, axes: Int)
  /// A number is out of its range.
  case outOfRange(what: String, value: Int)
  /// The channels do not divide into the groups.
  case groupsDoNotDivide(channels: Int, groups: Int)
  /// The kernel is larger than the padded input along an axis.
  case kernelLargerThanInput(axis: Int, kernel: Int, input: Int)
  /// The bounds of a clip are the wrong way round, or one of them is NaN.
  case boundsNotInOrder(low: Double, high: Double)
  /// The extents are so large that their product overflows.
  case tooLarge(what: String)
}

extension ConvError: CustomStringConvertible {
  /// A sentence that says what is wrong.
  public var description: String {
    switch self {
    case .wrongCount(let what, let count, let axes):
      "\(count) numbers for the \(what) of a convolution over \(axes) spatial axes"
    case .outOfRange(let what, let value):
      "the \(what) of a convolution cannot be \(value)"
    case .groupsDoNotDivide(let channels, let groups):
      "\(channels) channels do not divide into \(groups) groups"
    case .kernelLargerThanInput(let axis, let kernel, let input):
      "the kernel covers \(kernel) positions of spatial axis \(axis), but the padded input has only \(input)"
    case .boundsNotInOrder(let low, let high):
      "a result cannot be clipped to what lies between \(low) and \(high)"
    case .tooLarge(let what):
      "the \(what) of the convolution is too large to count"
    }
  }
}
