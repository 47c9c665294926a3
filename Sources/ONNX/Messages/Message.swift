import ModelGraph
import TensorFiles

/// An entity of a model that is a message of the file.
protocol Message: Equatable, Sendable {
  /// How the file wrote it.
  var record: FileRecord<Self> { get set }
  /// Reads it, up to the end of the message.
  init(from reader: inout WireReader) throws(ModelError)
  /// Writes the fields that this package has words for, in the order of their numbers.
  func write(to writer: inout WireWriter, _ options: WritingOptions) throws(ModelError)
  /// Whether `write` says all that a field of this number says; what it does not is taken over from the file.
  func covers(field number: Int) -> Bool
}

/// How a model is written.
struct WritingOptions {
  /// Names the model in messages.
  let path: String
  /// Whether messages that nobody has changed are written as the file had them. Without it their fields are written in
  /// the order of their numbers.
  var keepsUnchanged = true
  /// Where constants of the main graph lie in a file of their own, by name.
  var externalPlaces: [String: ExternalPlace] = [:]
}

extension WireReader {
  /// An entity, with a record of how the file wrote it.
  mutating func entity<T: Message>(_ field: Field, _: T.Type = T.self) throws(ModelError) -> T {
    try message(field) { (reader: inout WireReader) throws(ModelError) -> T in try reader.entity() }
  }

  /// An entity that may stand in what holds it once.
  mutating func only<T: Message>(_ earlier: T?, _ field: Field) throws(ModelError) -> T {
    try only(earlier, field) { (reader: inout WireReader) throws(ModelError) -> T in try reader.entity() }
  }

  /// The entity that the message being read is.
  mutating func entity<T: Message>(_: T.Type = T.self) throws(ModelError) -> T {
    let start = position
    let external = files.externalTensors
    var entity = try T(from: &self)
    entity.record = FileRecord(
      of: entity, bytes: bytes(from: start), isSelfContained: files.externalTensors == external)
    return entity
  }

  /// The fields of the message whose numbers `isWanted` lets through, as they are.
  mutating func wholeFields(where isWanted: (Int) -> Bool) throws(ModelError) -> [ByteView] {
    var fields: [ByteView] = []
    var start = position
    while let field = try nextField() {
      try skip(field)
      if isWanted(field.number) { fields.append(view[start..<position]) }
      start = position
    }
    return fields
  }
}

extension WireWriter {
  /// An entity as a message of its own.
  init<T: Message>(_ entity: T, _ options: WritingOptions) throws(ModelError) {
    self.init()
    if options.keepsUnchanged, options.externalPlaces.isEmpty,
      let bytes = entity.record.bytes(ifStill: entity)
    {
      append(bytes)
      return
    }
    try entity.write(to: &self, options)
    guard let bytes = entity.record.bytes else { return }
    var reader = WireReader(bytes, files: ModelFiles(path: options.path))
    for field in try reader.wholeFields(where: { !entity.covers(field: $0) }) { append(field) }
  }

  /// An entity as a field.
  mutating func entity<T: Message>(_ number: Int, _ entity: T, _ options: WritingOptions) throws(ModelError) {
    message(number, try WireWriter(entity, options))
  }

  /// Entities, each as a field.
  mutating func entities<T: Message>(
    _ number: Int, _ entities: some Sequence<T>, _ options: WritingOptions
  ) throws(ModelError) {
    for entity in entities { try self.entity(number, entity, options) }
  }
}
