import ModelGraph

/// `GraphProto`
extension Graph: Message {
  init(from reader: inout WireReader) throws(ModelError) {
    self.init()
    while let field = try reader.nextField() {
      switch field.number {
      case 1: nodes.append(try reader.entity(field))
      case 2: name = try reader.string(field)
      case 5: constants.append(try reader.entity(field))
      case 11: inputs.append(try reader.entity(field))
      case 12: outputs.append(try reader.entity(field))
      case 13: valueInfo.append(try reader.entity(field))
      case 14: quantization.append(try reader.entity(field))
      default: try reader.skip(field)
      }
    }
  }

  func write(to writer: inout WireWriter, _ options: WritingOptions) throws(ModelError) {
    var inner = options
    inner.externalPlaces = [:]
    try writer.entities(1, nodes, inner)
    writer.optionalString(2, name)
    for constant in constants {
      let isExternal = options.externalPlaces[constant.name] != nil
      try writer.entity(5, constant, isExternal ? options : inner)
    }
    try writer.entities(11, inputs, inner)
    try writer.entities(12, outputs, inner)
    try writer.entities(13, valueInfo, inner)
    try writer.entities(14, quantization, inner)
  }

  func covers(field number: Int) -> Bool { [1, 2, 5, 11, 12, 13, 14].contains(number) }
}
