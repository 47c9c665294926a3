import ModelGraph

/// `StringStringEntryProto`
extension TextEntry: Message {
  init(from reader: inout WireReader) throws(ModelError) {
    self.init(key: "", value: "")
    while let field = try reader.nextField() {
      switch field.number {
      case 1: key = try reader.string(field)
      case 2: value = try reader.string(field)
      default: try reader.skip(field)
      }
    }
  }

  func write(to writer: inout WireWriter, _ options: WritingOptions) {
    writer.string(1, key)
    writer.string(2, value)
  }

  func covers(field number: Int) -> Bool { number <= 2 }
}

/// `TensorAnnotation`
extension Graph.Quantization: Message {
  init(from reader: inout WireReader) throws(ModelError) {
    self.init(value: "", parameters: [])
    while let field = try reader.nextField() {
      switch field.number {
      case 1: value = try reader.string(field)
      case 2: parameters.append(try reader.entity(field))
      default: try reader.skip(field)
      }
    }
  }

  func write(to writer: inout WireWriter, _ options: WritingOptions) throws(ModelError) {
    writer.string(1, value)
    try writer.entities(2, parameters, options)
  }

  func covers(field number: Int) -> Bool { number <= 2 }
}
