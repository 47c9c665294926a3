import ModelGraph
import TensorCore

/// The files of one model while it is read: its own, and those that hold the elements of its tensors.
final class ModelFiles {
  /// The model's own file; names it in messages.
  let path: String
  /// Tensors read so far whose elements lie in files of their own.
  private(set) var externalTensors = 0
  private var opened: [String: ByteView] = [:]

  init(path: String) { self.path = path }

  /// The size of the files besides the model's own.
  var externalBytes: Int { opened.values.reduce(0) { $0 + $1.count } }

  /// The elements of a tensor, from the file that its entries name.
  ///
  /// **Throws** `ModelError` for files outside the model's folder, and for places outside the file.
  func elements(ofTensor name: String, at entries: [TextEntry]) throws(ModelError) -> ByteView {
    func fail(_ reason: String) -> ModelError { .tensor(path: path, name: name, reason: reason) }
    externalTensors += 1
    let entries = Dictionary(entries.map { ($0.key, $0.value) }) { first, _ in first }
    guard let location = entries["location"], !location.isEmpty else {
      throw fail("its external data has no location")
    }
    // A model must not read files that its user did not hand over with it.
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !parts.contains("..") else {
      throw fail("its external data '\(location)' lies outside the model's folder")
    }
    let file = try file(location)
    guard let offset = Int(entries["offset"] ?? "0"), offset >= 0, offset <= file.count else {
      throw fail(
        "its external data begins at '\(entries["offset"] ?? "")', but '\(location)' has \(file.count) bytes")
    }
    guard let length = Int(entries["length"] ?? String(file.count - offset)), length >= 0,
      length <= file.count - offset
    else {
      throw fail("its external data ends beyond the \(file.count) bytes of '\(location)'")
    }
    return try part(of: file, offset..<(offset + length))
  }

  private func file(_ location: String) throws(ModelError) -> ByteView {
    if let file = opened[location] { return file }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    do throws(FileError) {
      let file = try ByteView(ofFile: folder + location)
      opened[location] = file
      return file
    } catch { throw .file(error) }
  }

  /// A part of a file, in memory where it is short.
  private func part(of file: ByteView, _ range: Range<Int>) throws(ModelError) -> ByteView {
    guard range.count <= WireReader.leastViewed else { return file[range] }
    do throws(FileError) { return ByteView(try file[range].bytes()) } catch { throw .file(error) }
  }
}
