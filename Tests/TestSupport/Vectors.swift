/// The files of `Tests/Vectors`.
public enum Vectors {
  /// The path of one of them.
  public static func path(_ name: String) -> String {
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    return folder.joined(separator: "/") + "/Vectors/" + name
  }

  /// The path of a file of the example.
  public static func example(_ name: String) -> String {
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    return folder.joined(separator: "/") + "/Examples/mnist/" + name
  }
}
