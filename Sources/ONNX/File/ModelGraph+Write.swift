public import ModelGraph
public import TensorFiles

extension ModelGraph {
  /// A protobuf message cannot be longer than 2 GiB; what is larger needs external data. Some room is left for the
  /// graph itself.
  private static var inlineLimit: Int { 3 << 29 }

  /// Writes the model in the ONNX format, beside its place first and then renamed, so that no partial file is ever seen;
  /// it may be the place that the model was read from.
  ///
  /// What nobody has changed is written as it was read. A model of less than 1.5 GiB becomes one file. Of a larger one, the
  /// constants go into a new file beside it, named `PATH.data`, or `PATH.data.2` and so on where that name is taken. The
  /// data come first, the model that refers to them takes the old one's place after that, and only then the data that the
  /// old model had from here go, unless another model in the folder refers to them: at every moment `PATH` is the old
  /// model with its data or the new one with its. A crash in between can leave a data file that nothing refers to. Both
  /// pairs need room on the disk for a moment.
  ///
  /// Where `PATH` is a link, both files are written where it leads to.
  ///
  /// **Returns** the bytes written.
  ///
  /// **Throws** `ModelError` where a file cannot be written, or one that the model was read from has changed since; then
  /// all is as it was.
  ///
  /// **Complexity** constants that lie in files go through a buffer of 256 KiB.
  @discardableResult
  public func saveONNX(to path: String) throws(ModelError) -> Int {
    var files = FileTransaction()
    let bytes = try saveONNX(to: path, in: &files)
    do throws(FileError) { try files.commit() } catch { throw .file(error) }
    return bytes
  }

  /// The same, to appear with the other files of a transaction when that is committed.
  public func saveONNX(to path: String, in files: inout FileTransaction) throws(ModelError) -> Int {
    try save(to: path, in: &files, inlineLimit: Self.inlineLimit)
  }

  /// The first choice for the file beside a model that holds constants which are too many for the model's own.
  public static func externalDataPath(of path: String) -> String { path + ".data" }

  /// As the public function, with constants beyond another limit in a file of their own.
  func save(to path: String, in files: inout FileTransaction, inlineLimit: Int) throws(ModelError) -> Int {
    guard let target = AtomicFile.target(of: path) else {
      let model = try WireWriter(self, WritingOptions(path: self.path))
      guard model.count <= inlineLimit else {
        throw .file(
          FileError(
            path: path, reason: "a model of \(model.count) bytes needs a file of its own for its constants"))
      }
      do { try files.write(model.pieces, to: path) } catch { throw .file(error) }
      return model.count
    }
    let data = ModelDataFile(model: target)
    let earlier = data.ownedByModel()
    let bytes = try write(to: path, beside: data, in: &files, inlineLimit: inlineLimit)
    files.whenCommitted {
      for file in earlier where !data.isReferredTo(file) { data.remove(file) }
    }
    return bytes
  }

  private func write(
    to path: String, beside data: ModelDataFile, in files: inout FileTransaction, inlineLimit: Int
  ) throws(ModelError) -> Int {
    var model = try WireWriter(self, WritingOptions(path: self.path))
    var external = ExternalConstants()
    if model.count > inlineLimit {
      for constant in main.constants { external.add(constant) }
    }
    if !external.isEmpty {
      let name: String
      do { name = try data.create(external.pieces, in: &files) } catch { throw .file(error) }
      var referring = self
      referring.setMetadata(ModelDataFile.metadataKey, name)
      model = try WireWriter(
        referring, WritingOptions(path: self.path, externalPlaces: external.places(in: name)))
    }
    do { try files.write(model.pieces, to: path) } catch { throw .file(error) }
    return external.count + model.count
  }
}

/// The constants that go into a file of their own, each on a 4 KiB boundary so that it can be mapped.
private struct ExternalConstants {
  /// Smaller tensors stay in the model file, where ONNX Runtime wants shapes and scalars to be.
  private static let leastBytes = 1024

  private(set) var pieces: [ByteView] = []
  private(set) var count = 0
  private var ranges: [String: Range<Int>] = [:]

  var isEmpty: Bool { ranges.isEmpty }

  mutating func add(_ constant: Constant) {
    guard case .bytes(let bytes) = constant.elements, bytes.count >= Self.leastBytes else { return }
    let padding = (4096 - count % 4096) % 4096
    pieces += [ByteView([UInt8](repeating: 0, count: padding)), bytes]
    count += padding
    ranges[constant.name] = count..<(count + bytes.count)
    count += bytes.count
  }

  func places(in file: String) -> [String: ExternalPlace] {
    ranges.mapValues { ExternalPlace(file: file, range: $0) }
  }
}
