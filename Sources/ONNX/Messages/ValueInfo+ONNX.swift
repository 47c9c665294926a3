import ModelGraph
import Tensors

/// `ValueInfoProto`
extension ValueInfo: Message {
  init(from reader: inout WireReader) throws(ModelError) {
    self.init(name: "")
    while let field = try reader.nextField() {
      switch field.number {
      case 1: name = try reader.string(field)
      case 2: type = try reader.only(type, field, ValueType.init(from:))
      default: try reader.skip(field)
      }
    }
  }

  func write(to writer: inout WireWriter, _ options: WritingOptions) {
    writer.string(1, name)
    guard let type, !keepsType else { return }
    writer.message(2, type.written)
  }

  func covers(field number: Int) -> Bool { number == 1 || (number == 2 && !keepsType) }

  /// Whether the type is still the one that the file gave, which may have said more of it.
  private var keepsType: Bool { record.entity.map { $0.type == type } ?? false }
}

/// `TypeProto`
extension ValueInfo.ValueType {
  fileprivate init(from reader: inout WireReader) throws(ModelError) {
    let start = reader.position
    var tensor: Self?
    while let field = try reader.nextField() {
      switch field.number {
      case 1: tensor = try reader.only(tensor, field, Self.init(tensorFrom:))
      default: try reader.skip(field)
      }
    }
    self = tensor ?? .other(reader.bytes(from: start))
  }

  /// `TypeProto.Tensor`
  private init(tensorFrom reader: inout WireReader) throws(ModelError) {
    var dataType = DataType(number: 0)
    var shape: [ValueInfo.Dimension]?
    while let field = try reader.nextField() {
      switch field.number {
      case 1: dataType = DataType(number: try reader.int(field))
      case 2: shape = try reader.only(shape, field, readShape)
      default: try reader.skip(field)
      }
    }
    self = .tensor(dataType, shape: shape)
  }

  fileprivate var written: WireWriter {
    var writer = WireWriter()
    switch self {
    case .other(let bytes): writer.append(bytes)
    case .tensor(let dataType, let shape):
      var tensor = WireWriter()
      tensor.int(1, dataType.number)
      if let shape {
        var dimensions = WireWriter()
        for dimension in shape { dimensions.message(1, dimension.written) }
        tensor.message(2, dimensions)
      }
      writer.message(1, tensor)
    }
    return writer
  }
}

/// `TensorShapeProto`
private func readShape(_ reader: inout WireReader) throws(ModelError) -> [ValueInfo.Dimension] {
  var shape: [ValueInfo.Dimension] = []
  while let field = try reader.nextField() {
    switch field.number {
    case 1: shape.append(try reader.message(field, ValueInfo.Dimension.init(from:)))
    default: try reader.skip(field)
    }
  }
  return shape
}

/// `TensorShapeProto.Dimension`
extension ValueInfo.Dimension {
  fileprivate init(from reader: inout WireReader) throws(ModelError) {
    self = .open
    while let field = try reader.nextField() {
      switch field.number {
      case 1: self = .known(try reader.int(field))
      case 2: self = .symbol(try reader.string(field))
      default: try reader.skip(field)
      }
    }
  }

  fileprivate var written: WireWriter {
    var writer = WireWriter()
    switch self {
    case .known(let extent): writer.int(1, extent)
    case .symbol(let name): writer.string(2, name)
    case .open: break
    }
    return writer
  }
}
