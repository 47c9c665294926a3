/// A layer's name cut in the middle, so that its end can be read.
func shortened(_ name: String) -> String {
  name.count <= 40 ? name : "\(name.prefix(16))...\(name.suffix(21))"
}

extension Duration {
  /// The duration in seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
