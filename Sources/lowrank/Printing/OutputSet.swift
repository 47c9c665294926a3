import ArgumentParser
import TensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a command reads and writes: declared before any work, so that nothing is written over, and written all together
/// or not at all.
struct OutputSet: ~Copyable {
  /// An option that names a file to write, where it was given.
  struct Output {
    let option: String
    let path: String?

    init(_ option: String, _ path: String?) { (self.option, self.path) = (option, path) }
  }

  private var roles = FileRoles()
  /// The files, for those who write them by themselves.
  var files = FileTransaction()

  /// Declares inputs and outputs; `reserved` are outputs that are written only where they are needed.
  ///
  /// **Throws** `ValidationError` where an output is `-`, or the same file as an input or another output, standard output
  /// included; `FileError` where an output cannot be written.
  init(reading inputs: [String] = [], writing outputs: [Output] = [], reserving reserved: [Output] = [])
    throws
  {
    for path in inputs { try add(input: path) }
    for output in outputs + reserved {
      guard let path = output.path else { continue }
      guard path != "-" else {
        throw ValidationError(
          "\(output.option) writes no file to standard output; ./- is the path of a file called -.")
      }
      try refuse { () throws(FileError) in
        try roles.add(output: path, title: "\(output.option) \(path)")
      }
    }
    try refuse { () throws(FileError) in
      try roles.add(outputDescriptor: StandardOutput.descriptor, title: StandardOutput.title)
    }
    for path in outputs.compactMap(\.path) { try AtomicFile.requireWritable(path) }
  }

  /// Declares an input that only another one tells of.
  mutating func add(input path: String) throws {
    try refuse { () throws(FileError) in try roles.add(input: path, title: "the input \(path)") }
  }

  /// Declares an output that only an input tells of.
  mutating func add(output path: String, title: String) throws {
    try refuse { () throws(FileError) in try roles.add(output: path, title: title) }
    try AtomicFile.requireWritable(path)
  }

  /// Writes a file beside its place.
  mutating func write(_ data: Data, to path: String) throws { try files.write(data, to: path) }

  /// Prints the results and puts all files in their places.
  ///
  /// **Throws** `FileError` where one of them cannot be written; then there is no file.
  mutating func finish(printing text: String) throws {
    // The text says what was written: whatever can be known to fail comes before it.
    try files.writeDevices()
    try StandardOutput.print(text)
    try files.commit()
  }
}

/// Files that are in the way of one another are wrong usage.
private func refuse(_ check: () throws(FileError) -> Void) throws(ValidationError) {
  do { try check() } catch { throw ValidationError("\(error).") }
}
