import ModelGraph
import TensorFiles

/// `AttributeProto`
extension Attribute: Message {
  init(from reader: inout WireReader) throws(ModelError) {
    self.init("", .other)
    var fields = AttributeFields()
    while let field = try reader.nextField() {
      switch field.number {
      case 1: name = try reader.string(field)
      default:
        if try !fields.read(field, from: &reader) { try reader.skip(field) }
      }
    }
    value = fields.value
  }

  func write(to writer: inout WireWriter, _ options: WritingOptions) throws(ModelError) {
    writer.string(1, name)
    switch value {
    case .float(let value): writer.float(2, value)
    case .int(let value): writer.int(3, value)
    case .string(let value): writer.bytes(4, value)
    case .tensor(let value): try writer.entity(5, value, options)
    case .graph(let value): try writer.entity(6, value, options)
    case .floats(let values): for value in values { writer.float(7, value) }
    case .ints(let values): for value in values { writer.int(8, value) }
    case .strings(let values): for value in values { writer.bytes(9, value) }
    case .tensors(let values): try writer.entities(10, values, options)
    case .graphs(let values): try writer.entities(11, values, options)
    case .reference, .other: break
    }
    if let kind = value.kind { writer.int(20, kind.rawValue) }
    if case .reference(let name) = value { writer.string(21, name) }
  }

  func covers(field number: Int) -> Bool {
    switch (number, value) {
    case (1, _): true
    case (_, .other): false
    // A reference keeps the type that the file gives it.
    case (20, .reference): false
    case (2...11, _), (20, _), (21, _): true
    default: false
    }
  }
}

/// `AttributeProto.AttributeType`
private enum Kind: Int {
  case float = 1
  case int, string, tensor, graph, floats, ints, strings, tensors, graphs
}

extension Attribute.Value {
  fileprivate var kind: Kind? {
    switch self {
    case .float: .float
    case .int: .int
    case .string: .string
    case .tensor: .tensor
    case .graph: .graph
    case .floats: .floats
    case .ints: .ints
    case .strings: .strings
    case .tensors: .tensors
    case .graphs: .graphs
    case .reference, .other: nil
    }
  }
}

/// The fields that hold what an attribute is set to.
private struct AttributeFields {
  private var kind: Int?
  private var reference = ""
  private var float: Float?
  private var int: Int?
  private var string: ByteView?
  private var tensor: Constant?
  private var graph: Graph?
  private var floats: [Float] = []
  private var ints: [Int] = []
  private var strings: [ByteView] = []
  private var tensors: [Constant] = []
  private var graphs: [Graph] = []

  /// Reads a field; false where it holds something else.
  mutating func read(_ field: WireReader.Field, from reader: inout WireReader) throws(ModelError) -> Bool {
    switch field.number {
    case 2: float = try reader.float(field)
    case 3: int = try reader.int(field)
    case 4: string = try reader.bytes(field)
    case 5: tensor = try reader.only(tensor, field)
    case 6: graph = try reader.only(graph, field)
    case 7: try reader.floats(field, into: &floats)
    case 8: try reader.ints(field, into: &ints)
    case 9: strings.append(try reader.bytes(field))
    case 10: tensors.append(try reader.entity(field))
    case 11: graphs.append(try reader.entity(field))
    case 20: kind = try reader.int(field)
    case 21: reference = try reader.string(field)
    default: return false
    }
    return true
  }

  /// What the fields say. Old files give no type; then it follows from the field that is there.
  var value: Attribute.Value {
    guard reference.isEmpty else { return .reference(reference) }
    switch Kind(rawValue: kind ?? foundKind?.rawValue ?? 0) {
    case .float: return .float(float ?? 0)
    case .int: return .int(int ?? 0)
    case .string: return .string(string ?? ByteView())
    case .tensor: return tensor.map(Attribute.Value.tensor) ?? .other
    case .graph: return graph.map(Attribute.Value.graph) ?? .other
    case .floats: return .floats(floats)
    case .ints: return .ints(ints)
    case .strings: return .strings(strings)
    case .tensors: return .tensors(tensors)
    case .graphs: return .graphs(graphs)
    case nil: return .other
    }
  }

  private var foundKind: Kind? {
    let found: [(Bool, Kind)] = [
      (float != nil, .float), (int != nil, .int), (string != nil, .string), (tensor != nil, .tensor),
      (graph != nil, .graph), (!floats.isEmpty, .floats), (!ints.isEmpty, .ints),
      (!strings.isEmpty, .strings), (!tensors.isEmpty, .tensors), (!graphs.isEmpty, .graphs),
    ]
    return found.first { $0.0 }?.1
  }
}
