/// The files of one piece of work and what each is for, so that none that is read or written is written over.
public struct FileRoles: Sendable {
  private var inputs: [FileIdentity: String] = [:]
  private var outputs: [FileIdentity: String] = [:]

  /// No file yet.
  public init() {}

  /// Declares a file that is read; several inputs may be one file.
  ///
  /// `title` is what messages call the file, its path included.
  ///
  /// **Throws** `FileError` where an output that was declared is the same file.
  public mutating func add(input path: String, title: String) throws(FileError) {
    guard let identity = FileIdentity(path: path) else { return }
    if let output = outputs[identity] { throw Self.conflict(output, title) }
    inputs[identity] = title
  }

  /// Declares a file that is written, whether it is there already or not. Devices and pipes are never in the way.
  ///
  /// **Throws** `FileError` where an input or another output that was declared is the same file.
  public mutating func add(output path: String, title: String) throws(FileError) {
    try add(FileIdentity(path: path), title)
  }

  /// Declares an open file that is written, such as standard output.
  ///
  /// **Throws** `FileError` where an input or another output that was declared is the same file.
  public mutating func add(outputDescriptor descriptor: Int32, title: String) throws(FileError) {
    try add(FileIdentity(descriptor: descriptor), title)
  }

  private mutating func add(_ identity: FileIdentity?, _ title: String) throws(FileError) {
    guard let identity else { return }
    if let other = inputs[identity] ?? outputs[identity] { throw Self.conflict(title, other) }
    outputs[identity] = title
  }

  private static func conflict(_ output: String, _ other: String) -> FileError {
    FileError(path: output, reason: "this is the same file as \(other), which would be lost; name another")
  }
}
