public import ModelGraph
public import TensorFiles

extension ModelGraph {
  /// Reads a model file in the ONNX format, and finds the external data files that it names, which have to lie in its
  /// folder.
  ///
  /// Everything that the file holds is kept: a model that nobody changes is written as it was, byte for byte. The
  /// elements of large tensors stay in the files, which are kept open, until they are asked for.
  ///
  /// **Throws** `ModelError` for files that cannot be read, that are not ONNX models, or whose tensors contradict
  /// themselves.
  ///
  /// **Complexity** memory for the graph and for tensors of up to 4 KiB; the rest of the file is not even read.
  public init(onnx path: String) throws(ModelError) {
    let file: ByteView
    do throws(FileError) { file = try ByteView(ofFile: path) } catch { throw .file(error) }
    try self.init(onnx: file, path: path)
  }

  /// Reads a model from the bytes of a file; `path` names it in messages, and its folder holds the external data files.
  ///
  /// **Throws** as `init(onnx:)` does.
  public init(onnx bytes: ByteView, path: String) throws(ModelError) {
    var reader = WireReader(bytes, files: ModelFiles(path: path))
    self = try reader.entity()
    try validate()
  }
}
