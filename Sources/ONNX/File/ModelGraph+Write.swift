public import ModelGraph
import TensorCore

extension ModelGraph {
  /// A protobuf message cannot be longer than 2 GiB; what is larger needs external data. Some room is left for the
  /// graph itself.
  private static var inlineLimit: Int { 3 << 29 }
  /// Smaller tensors stay in the model file, where ONNX Runtime wants shapes and scalars to be.
  private static var leastExternalBytes: Int { 1024 }

  /// Writes the model in the ONNX format, beside its place first and then renamed, so that no partial file is ever seen;
  /// it may be the place that the model was read from.
  ///
  /// What nobody has changed is written as it was read. A model of less than 1.5 GiB becomes one file; the constants of
  /// a larger one go into a second file `PATH.data`.
  ///
  /// **Returns** the bytes written.
  ///
  /// **Throws** `ModelError` where the file cannot be written, or a file that the model was read from has changed since.
  ///
  /// **Complexity** constants that lie in files go through a buffer of 256 KiB.
  @discardableResult
  public func saveONNX(to path: String) throws(ModelError) -> Int {
    try save(to: path, inlineLimit: Self.inlineLimit)
  }

  func save(to path: String, inlineLimit: Int) throws(ModelError) -> Int {
    let whole = try WireWriter(self, WritingOptions(path: self.path))
    guard whole.count > inlineLimit else {
      try write(whole.pieces, to: path)
      return whole.count
    }
    var blob = ExternalBlob(file: (path.split(separator: "/").last.map(String.init) ?? "model") + ".data")
    for constant in main.constants { blob.add(constant, ifAtLeast: Self.leastExternalBytes) }
    let model = try WireWriter(self, WritingOptions(path: self.path, externalPlaces: blob.places))
    try write(blob.pieces, to: path + ".data")
    try write(model.pieces, to: path)
    return blob.count + model.count
  }

  private func write(_ pieces: [ByteView], to path: String) throws(ModelError) {
    do throws(FileError) { try AtomicFile.write(pieces, to: path) } catch { throw .file(error) }
  }
}

/// A file of constants, each on a 4 KiB boundary so that it can be mapped.
private struct ExternalBlob {
  let file: String
  private(set) var pieces: [ByteView] = []
  private(set) var count = 0
  private(set) var places: [String: ExternalPlace] = [:]

  init(file: String) { self.file = file }

  mutating func add(_ constant: Constant, ifAtLeast leastBytes: Int) {
    guard case .bytes(let bytes) = constant.elements, bytes.count >= leastBytes else { return }
    let padding = (4096 - count % 4096) % 4096
    pieces += [ByteView([UInt8](repeating: 0, count: padding)), bytes]
    count += padding
    places[constant.name] = ExternalPlace(file: file, range: count..<(count + bytes.count))
    count += bytes.count
  }
}
