import ModelGraph

/// `NodeProto`
extension Node: Message {
  init(from reader: inout WireReader) throws(ModelError) {
    self.init(opType: "", inputs: [], outputs: [])
    while let field = try reader.nextField() {
      switch field.number {
      case 1: inputs.append(try reader.string(field))
      case 2: outputs.append(try reader.string(field))
      case 3: name = try reader.string(field)
      case 4: opType = try reader.string(field)
      case 5: attributes.append(try reader.entity(field))
      case 7: domain = try reader.string(field)
      case 8: overload = try reader.string(field)
      default: try reader.skip(field)
      }
    }
  }

  func write(to writer: inout WireWriter, _ options: WritingOptions) throws(ModelError) {
    for input in inputs { writer.string(1, input) }
    for output in outputs { writer.string(2, output) }
    writer.optionalString(3, name)
    writer.string(4, opType)
    try writer.entities(5, attributes, options)
    writer.optionalString(7, domain)
    writer.optionalString(8, overload)
  }

  func covers(field number: Int) -> Bool { (1...5).contains(number) || number == 7 || number == 8 }
}
