import TensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A folder for a network's outputs; made where it is not there, and gone again unless it is kept.
struct OutputFolder: ~Copyable {
  private let path: String
  private let isNew: Bool
  private var isKept = false

  /// **Throws** `FileError` where there is no such folder and none can be made.
  init(_ path: String) throws(FileError) {
    self.path = path
    if mkdir(path, 0o777) == 0 {
      isNew = true
      return
    }
    let reason = errno
    isNew = false
    var status = stat()
    guard reason == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      let why = reason == EEXIST ? "something else has that name" : String(cString: strerror(reason))
      throw FileError(path: path, reason: "this is no folder, and none can be made: \(why)")
    }
  }

  deinit { if isNew && !isKept { rmdir(path) } }

  /// Lets the folder stay.
  mutating func keep() { isKept = true }

  /// The files of values.
  ///
  /// **Throws** `FileError` where two values would have one file.
  func files(of names: [String]) throws -> [String] {
    var owners: [String: String] = [:]
    return try names.map { name in
      let file = Self.fileName(of: name)
      if let other = owners.updateValue(name, forKey: file) {
        throw FileError(
          path: path, reason: "the outputs '\(other)' and '\(name)' would both be written to \(file)")
      }
      return path + "/" + file
    }
  }

  /// A value's name with an underscore for every character that file names had better not have.
  static func fileName(of name: String) -> String {
    let text = String(
      name.unicodeScalars.map { scalar -> Character in
        let isPlain =
          scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
        return isPlain || "-_.".unicodeScalars.contains(scalar) ? Character(scalar) : "_"
      })
    // A leading point would hide the file.
    return (text.hasPrefix(".") ? "_" + text.dropFirst() : text.isEmpty ? "_" : text) + ".npy"
  }
}
