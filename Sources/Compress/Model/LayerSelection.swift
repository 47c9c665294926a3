/// Which layers the options `layers` and `skip` let through.
struct LayerSelection {
  private let layers: Regex<AnyRegexOutput>?
  private let skip: Regex<AnyRegexOutput>?

  /// **Throws** `CompressError.option` for text that is no regular expression.
  init(_ options: CompressionOptions) throws(CompressError) {
    layers = try Self.regex(options.layers, option: "layers")
    skip = try Self.regex(options.skip, option: "skip")
  }

  private static func regex(
    _ text: String?, option: String
  ) throws(CompressError) -> Regex<AnyRegexOutput>? {
    guard let text else { return nil }
    do { return try Regex(text) } catch {
      throw .option(name: option, reason: "'\(text)' is not a regular expression: \(error)")
    }
  }

  /// Why a layer of this name is not to be touched; nil where it is.
  func obstacle(_ name: String) -> String? {
    if let skip, name.contains(skip) { return "its name matches the layers to skip" }
    if let layers, !name.contains(layers) { return "its name does not match the layers asked for" }
    return nil
  }
}
