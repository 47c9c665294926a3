import ModelGraph

/// `ModelProto`
extension ModelGraph: Message {
  init(from reader: inout WireReader) throws(ModelError) {
    var main: Graph?
    var (version, sets): (Int, [OperatorSet]) = (0, [])
    var (metadata, functions): ([TextEntry], [Function]) = ([], [])
    while let field = try reader.nextField() {
      switch field.number {
      case 1: version = try reader.int(field)
      case 7: main = try reader.only(main, field)
      case 8: sets.append(try reader.entity(field))
      case 14: metadata.append(try reader.entity(field))
      case 25: functions.append(try reader.entity(field))
      default: try reader.skip(field)
      }
    }
    let files = reader.files
    guard let main, version > 0 else {
      throw .model(
        path: files.path, reason: "this is not an ONNX model: it has no graph or no IR version")
    }
    self.init(
      path: files.path, main: main, operatorSets: sets, formatVersion: version,
      byteCount: reader.view.count + files.externalBytes, externalFiles: files.externalPaths)
    // Where the constants came from is nothing that the model says.
    self.metadata = metadata.filter { $0.key != ModelDataFile.metadataKey }
    self.functions = functions
  }

  func write(to writer: inout WireWriter, _ options: WritingOptions) throws(ModelError) {
    var inner = options
    inner.externalPlaces = [:]
    writer.int(1, formatVersion)
    try writer.entity(7, main, options)
    try writer.entities(8, operatorSets, inner)
    try writer.entities(14, metadata, inner)
    try writer.entities(25, functions, inner)
  }

  func covers(field number: Int) -> Bool { [1, 7, 8, 14, 25].contains(number) }
}
