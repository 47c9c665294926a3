import ModelGraph

/// `FunctionProto`
extension Function: Message {
  init(from reader: inout WireReader) throws(ModelError) {
    self.init(name: "", domain: "", inputs: [], outputs: [], nodes: [])
    while let field = try reader.nextField() {
      switch field.number {
      case 1: name = try reader.string(field)
      case 4: inputs.append(try reader.string(field))
      case 5: outputs.append(try reader.string(field))
      case 6: attributes.append(try reader.string(field))
      case 7: nodes.append(try reader.entity(field))
      case 9: operatorSets.append(try reader.entity(field))
      case 10: domain = try reader.string(field)
      case 11: defaults.append(try reader.entity(field))
      case 13: overload = try reader.string(field)
      default: try reader.skip(field)
      }
    }
  }

  func write(to writer: inout WireWriter, _ options: WritingOptions) throws(ModelError) {
    writer.string(1, name)
    for input in inputs { writer.string(4, input) }
    for output in outputs { writer.string(5, output) }
    for attribute in attributes { writer.string(6, attribute) }
    try writer.entities(7, nodes, options)
    try writer.entities(9, operatorSets, options)
    writer.string(10, domain)
    try writer.entities(11, defaults, options)
    writer.optionalString(13, overload)
  }

  func covers(field number: Int) -> Bool { [1, 4, 5, 6, 7, 9, 10, 11, 13].contains(number) }
}

/// `OperatorSetIdProto`
extension OperatorSet: Message {
  init(from reader: inout WireReader) throws(ModelError) {
    self.init(version: 0)
    while let field = try reader.nextField() {
      switch field.number {
      case 1: domain = try reader.string(field)
      case 2: version = try reader.int(field)
      default: try reader.skip(field)
      }
    }
  }

  func write(to writer: inout WireWriter, _ options: WritingOptions) {
    writer.string(1, domain)
    writer.int(2, version)
  }

  func covers(field number: Int) -> Bool { number <= 2 }
}
