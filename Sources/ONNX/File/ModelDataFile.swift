import ModelGraph
import TensorCore

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

  /// Writes data under the first name that is free, with the permissions of the model in whose place the new one will
  /// be, and gives the name.
  func create(_ pieces: [ByteView], in files: inout FileTransaction) throws(FileError) -> String {
    var candidate = "\(name).data"
    var number = 1
    while !files.isFree(path(candidate)) {
      number += 1
      candidate = "\(name).data.\(number)"
    }
    try files.create(pieces, at: path(candidate), permissionsOf: model)
    return candidate
  }

  /// The path of a data file.
  func path(_ file: String) -> String { folder + file }

  /// The data files that the model now at its place says were written with it.
  func ownedByModel() -> [String] {
    regularFiles(where: isName).filter { file in
      (try? FileReader.file(model, contains: Self.entry(Self.metadataKey, file))) == true
    }
  }

  /// Whether another model in the folder refers to a data file, also one with another ending, such as a copy `MODEL.bak`.
  func isReferredToByOthers(_ file: String) -> Bool {
    let others = regularFiles { ($0.contains(".onnx") || $0.hasPrefix(name)) && $0 != name && !isName($0) }
    return others.contains { other in
      // What cannot be read may refer to it.
      (try? FileReader.file(path(other), contains: Self.entry("location", file))) != false
    }
  }

  private func isName(_ file: String) -> Bool {
    guard file.hasPrefix("\(name).data") else { return false }
    let rest = file.dropFirst(name.count + 5)
    return rest.isEmpty || rest.first == "." && Int(rest.dropFirst()) != nil
  }

  private func regularFiles(where isWanted: (String) -> Bool) -> [String] {
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
