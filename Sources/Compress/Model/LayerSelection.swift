/// Which layers the options `layers` and `skip` let through.
struct LayerSelection {
  private let layers: Regex<AnyRegexOutput>?
  private let skip: Regex<AnyRegexOutput>?
  private let layersText: String?
  private let skipText: String?

  /// **Throws** `CompressError.option` for text that is no regular expression.
  init(_ options: CompressionOptions) throws(CompressError) {
    (layersText, skipText) = (options.layers, options.skip)
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

  /// **Throws** `CompressError.option` where a pattern matches none of the model's layers: that is a slip of the pen, and
  /// everything or nothing would be factored for it.
  func requireMatches(among names: [String]) throws(CompressError) {
    for (option, text, regex) in [("layers", layersText, layers), ("skip", skipText, skip)] {
      guard let text, let regex, !names.contains(where: { $0.contains(regex) }) else { continue }
      let shown = names.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
      let rest = names.count > 8 ? " and \(names.count - 8) more" : ""
      throw .option(
        name: option,
        reason: "'\(text)' matches no layer of the model; it has \(names.isEmpty ? "none" : shown + rest)")
    }
  }

  /// Why a layer of this name is not to be touched; nil where it is.
  func obstacle(_ name: String) -> String? {
    if let skip, name.contains(skip) { return "its name matches the layers to skip" }
    if let layers, !name.contains(layers) { return "its name does not match the layers asked for" }
    return nil
  }
}
