extension Character {
  /// A LAPACK option letter as the C interface takes it.
  var lapack: CChar {
    guard let ascii = asciiValue else { preconditionFailure("'\(self)' is not a LAPACK option") }
    return CChar(ascii)
  }
}
