import ModelGraph
import TensorFiles

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The data files beside a model's file: `MODEL.data`, or `MODEL.data.2` and so on where that name is taken.
///
/// A model says in its metadata which of them was written with it, so that no file of anybody else is ever removed.
struct ModelDataFile {
  /// The entry of a model's metadata that names its data file.
  static let metadataKey = "lowrank.data"

  private let model: String
  private let folder: String
  private let name: String

  init(model: String) {
    self.model = model
    folder = model.lastIndex(of: "/").map { String(model[...$0]) } ?? ""
    name = String(model[(model.lastIndex(of: "/").map { model.index(after: $0) } ?? model.startIndex)...])
  }

  /// Hands constants to a transaction under the first name that is free, with the permissions of the model in whose place the
  /// new one will be, and gives the name.
  func create(_ pieces: [ByteView], in files: inout FileTransaction) throws(FileError) -> String {
    var candidate = "\(name).data"
    var number = 1
    while try !files.create(pieces, at: folder + candidate, permissionsOf: model) {
      number += 1
      candidate = "\(name).data.\(number)"
    }
    return candidate
  }

  /// The data files that the model now at its place says were written with it.
  func ownedByModel() -> [String] {
    regularFiles { isName($0) }.filter { file in
      (try? FileReader.file(model, contains: Self.entry(Self.metadataKey, file))) == true
    }
  }

  /// Whether a model in the folder refers to a data file, also one with another ending, such as a copy `MODEL.bak`.
  func isReferredTo(_ file: String) -> Bool {
    regularFiles { ($0.contains(".onnx") || $0.hasPrefix(name)) && !isName($0) }.contains { other in
      // What cannot be read may refer to it.
      (try? FileReader.file(folder + other, contains: Self.entry("location", file))) != false
    }
  }

  /// Removes a data file; one that cannot be removed does no harm.
  func remove(_ file: String) { try? FileManager.default.removeItem(atPath: folder + file) }

  private func isName(_ file: String) -> Bool {
    guard file.hasPrefix("\(name).data") else { return false }
    let rest = file.dropFirst(name.count + 5)
    return rest.isEmpty || rest.first == "." && Int(rest.dropFirst()) != nil
  }

  private func regularFiles(_ isWanted: (String) -> Bool) -> [String] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? []
    return all.filter { isWanted($0) && FileReader.isRegularFile(folder + $0) }
  }

  /// The bytes of an entry in a file. Fields in another order would be other bytes; what wrote the entry to look for, or
  /// copied it, has them in this one.
  private static func entry(_ key: String, _ value: String) -> [UInt8] {
    var writer = WireWriter()
    TextEntry(key: key, value: value).write(to: &writer, WritingOptions(path: ""))
    return writer.pieces.flatMap { $0.bytesInMemory ?? [] }
  }
}
