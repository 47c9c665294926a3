import ModelGraph
import TensorFiles

/// The files of one model while it is read: its own, and those that hold the elements of its tensors.
final class ModelFiles {
  /// The model's own file; names it in messages.
  let path: String
  /// Tensors read so far whose elements lie in files of their own.
  private(set) var externalTensors = 0
  private var opened: [String: (path: String, bytes: ByteView)] = [:]

  init(path: String) { self.path = path }

  /// The size of the files besides the model's own.
  var externalBytes: Int { opened.values.reduce(0) { $0 + $1.bytes.count } }

  /// The paths of those files.
  var externalPaths: [String] { opened.values.map(\.path).sorted() }

  /// The elements of a tensor, from the file that its entries name; `byteCount` is what its extents say, nil where the
  /// type's size is not known.
  ///
  /// **Throws** `ModelError` for files outside the model's folder, and for places outside the file.
  func elements(
    ofTensor name: String, at entries: [TextEntry], byteCount: Int?
  ) throws(ModelError) -> ByteView {
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
    let file: ByteView
    do throws(FileError) { file = try self.file(location) } catch {
      throw fail("its external data cannot be had: \(error)")
    }
    guard let offset = Int(entries["offset"] ?? "0"), offset >= 0, offset <= file.count else {
      throw fail(
        "its external data begins at '\(entries["offset"] ?? "")', but '\(location)' has \(file.count) bytes")
    }
    // Without a length, the data end with the tensor, or with the file where its size is not known.
    let rest = file.count - offset
    guard let length = entries["length"].map({ Int($0) }) ?? byteCount ?? rest, length >= 0, length <= rest
    else {
      throw fail("its external data ends beyond the \(file.count) bytes of '\(location)'")
    }
    return try part(of: file, offset..<(offset + length))
  }

  private func file(_ location: String) throws(FileError) -> ByteView {
    if let file = opened[location] { return file.bytes }
    let file = try open(location)
    opened[location] = file
    return file.bytes
  }

  /// The folder is that of the path, as for other programs; where the path is a link, the file that it leads to may have
  /// its data in its own folder.
  private func open(_ location: String) throws(FileError) -> (path: String, bytes: ByteView) {
    func folder(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }
    let near = folder(path) + location
    do throws(FileError) {
      return (near, try ByteView(ofFile: near))
    } catch {
      guard let target = AtomicFile.target(of: path), folder(target) != folder(path),
        let bytes = try? ByteView(ofFile: folder(target) + location)
      else { throw error }
      return (folder(target) + location, bytes)
    }
  }

  /// A part of a file, in memory where it is short.
  private func part(of file: ByteView, _ range: Range<Int>) throws(ModelError) -> ByteView {
    guard range.count <= WireReader.leastViewed else { return file[range] }
    do throws(FileError) { return ByteView(try file[range].bytes()) } catch { throw .file(error) }
  }
}
