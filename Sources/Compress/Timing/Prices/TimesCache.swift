#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import Synchronization
public import TensorFiles

/// What forms were found to take beside the layers as they are, by machine, layer and form, so that each is timed once.
///
/// What is kept is a ratio of two times that were measured in turn: on a machine that was busier then it still holds.
public final class TimesCache: Sendable {
  /// The file; nil for a cache that lives in memory only.
  public let path: String?
  private let entries: Mutex<[String: Double]>

  /// The cache in a file, one line an entry, or in memory. Lines that are none are left out, and measured anew.
  public init(path: String?) {
    self.path = path
    entries = Mutex(path.map(Self.read) ?? [:])
  }

  /// `lowrank/times.txt` in the folder that `XDG_CACHE_HOME` names, or in `.cache` of `HOME`; nil where neither is set.
  public static func userPath(_ environment: [String: String]) -> String? {
    let home = environment["HOME"].flatMap { $0.isEmpty ? nil : "\($0)/.cache" }
    let folder = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? home
    return folder.map { "\($0)/lowrank/times.txt" }
  }

  /// Writes the cache to its file, with what others have added to that since; does nothing for one in memory.
  ///
  /// **Throws** where the file cannot be written.
  public func save() throws(FileError) {
    guard let path else { return }
    let all = entries.withLock { mine in Self.read(path).merging(mine) { $1 } }
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
      separator: "/")
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw FileError(path: folder, reason: "the folder for the cache of times cannot be made")
    }
    let lines = all.map { "\($0.key)\t\($0.value)\n" }.sorted()
    try AtomicFile.write(Data(lines.joined().utf8), to: path)
  }

  /// Saves where that can be done: in a home that is not to be written to, times are measured anew each time.
  public func keep() { try? save() }

  private static func read(_ path: String) -> [String: Double] {
    guard let bytes = try? FileReader.bytes(ofFile: path) else { return [:] }
    var found: [String: Double] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard fields.count == 2, let ratio = Double(fields[1]), ratio.isFinite, ratio > 0 else { continue }
      found[String(fields[0])] = ratio
    }
    return found
  }

  /// The number of entries.
  public var count: Int { entries.withLock { $0.count } }

  /// A form's time as a part of the dense layer's.
  subscript(key: String) -> Double? {
    get { entries.withLock { $0[key] } }
    set { entries.withLock { $0[key] = newValue } }
  }
}
