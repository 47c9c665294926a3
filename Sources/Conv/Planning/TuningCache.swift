#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
internal import CKernels
internal import Synchronization
import TensorFiles

/// What measuring has found, by machine and layer, so that a layer is measured once.
///
///     let cache = try TuningCache(path: "tuning.txt")
///     let plan = ConvolutionPlan(geometry, factors: factors, options: ConvolutionOptions(tuning: .measured(cache)))
///     try cache.save()
///
/// Plans may be made with one cache from several threads.
public final class TuningCache: Sendable {
  /// The file that `save` writes; nil for a cache that lives in memory only.
  public let path: String?
  private let entries: Mutex<[String: Entry]>

  /// What was chosen for a layer.
  struct Entry: Hashable {
    let tile: Int
    let band: Int
    let slots: Int
    let parts: Int
    /// The images one below the other; 1 where each is by itself.
    let stacked: Int
  }

  /// A cache in memory.
  public init() {
    path = nil
    entries = Mutex([:])
  }

  /// The cache in a file, one line a layer; empty where there is no such file.
  ///
  /// **Throws** where the file cannot be read or is not such a cache.
  public init(path: String) throws(FileError) {
    self.path = path
    var found: [String: Entry] = [:]
    if FileManager.default.fileExists(atPath: path) {
      let text = String(decoding: try FileReader.bytes(ofFile: path), as: UTF8.self)
      for (number, line) in text.split(separator: "\n").enumerated() {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
        let values = fields.last?.split(separator: " ").compactMap { Int($0) } ?? []
        guard fields.count == 2, [4, 5].contains(values.count), values.allSatisfy({ $0 > 0 }) else {
          throw FileError(
            path: path,
            reason: "line \(number + 1) is not that of a tuning cache: remove the file or name another")
        }
        found[String(fields[0])] = Entry(
          tile: values[0], band: values[1], slots: values[2], parts: values[3],
          // Files of before images were stacked say nothing of that.
          stacked: values.count == 5 ? values[4] : 1)
      }
    }
    entries = Mutex(found)
  }

  /// Writes the cache to its file; does nothing where it lives in memory only.
  ///
  /// **Throws** where the file cannot be written.
  public func save() throws(FileError) {
    guard let path else { return }
    let lines = entries.withLock { entries in
      entries.map { "\($0)\t\($1.tile) \($1.band) \($1.slots) \($1.parts) \($1.stacked)\n" }
    }
    try AtomicFile.write(Data(lines.sorted().joined().utf8), to: path)
  }

  /// The number of layers in the cache.
  public var count: Int { entries.withLock { $0.count } }

  subscript(key: String) -> Entry? {
    get { entries.withLock { $0[key] } }
    set { entries.withLock { $0[key] = newValue } }
  }

  /// The processor's name, as the system gives it, without the tabs that separate the fields of a line.
  package static let processor: String = {
    var name = [CChar](repeating: 0, count: 128)
    lowrank_processor_name(&name, name.count)
    let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self).replacing("\t", with: " ")
  }()
}

extension TuningCache: Hashable {
  /// Whether the two are one cache.
  public static func == (a: TuningCache, b: TuningCache) -> Bool { a === b }

  /// Feeds the cache's identity.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
