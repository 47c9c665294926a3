import ModelGraph
import TensorFiles
import Tensors
import TestSupport

@testable import ONNX

/// A message of a model file as a tree of fields: an oracle that knows the messages' numbers and nothing else.
struct WireTree {
  enum Field {
    /// A number, a text or the like: the whole field as it is.
    case leaf(number: Int, [UInt8])
    case message(number: Int, WireTree)
  }

  /// Which fields of each message hold messages, and of which kind.
  private static let kinds: [String: [Int: String]] = [
    "model": [7: "graph", 8: "set", 14: "entry", 25: "function"],
    "graph": [
      1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value", 14: "annotation",
    ],
    "node": [5: "attribute"],
    "attribute": [5: "tensor", 6: "graph", 10: "tensor", 11: "graph"],
    "tensor": [13: "entry"],
    "value": [2: "type"],
    "type": [1: "tensor type"],
    "tensor type": [2: "shape"],
    "shape": [1: "dimension"],
    "annotation": [2: "entry"],
    "function": [7: "node", 9: "set", 11: "attribute"],
  ]
  /// A field that no message of the standard has.
  private static let unknown = 7001

  let kind: String
  var fields: [Field]

  private init(kind: String, fields: [Field]) { (self.kind, self.fields) = (kind, fields) }

  init(_ bytes: [UInt8], kind: String = "model") throws {
    var reader = WireReader(ByteView(bytes), files: ModelFiles(path: kind))
    fields = []
    self.kind = kind
    var start = 0
    while let field = try reader.nextField() {
      if let inner = Self.kinds[kind]?[field.number] {
        let part = try reader.bytes(field).bytes()
        fields.append(.message(number: field.number, try WireTree(part, kind: inner)))
      } else {
        try reader.skip(field)
        fields.append(.leaf(number: field.number, Array(bytes[start..<reader.position])))
      }
      start = reader.position
    }
  }

  var bytes: [UInt8] {
    var writer = WireWriter()
    for field in fields {
      switch field {
      case .leaf(_, let bytes): writer.append(ByteView(bytes))
      case .message(let number, let tree): writer.bytes(number, ByteView(tree.bytes))
      }
    }
    return writer.pieces.flatMap { $0.bytesInMemory ?? [] }
  }

  /// The fields of different numbers in another order; those of one number stay in theirs.
  func shuffled(using generator: inout SeededGenerator) -> WireTree {
    mapped { $0.shuffled(using: &generator) }.ordered { $0.shuffled(using: &generator) }
  }

  /// The fields in the order of their numbers, without empty domains, which producers write or leave out.
  var sorted: WireTree {
    let sorted = mapped(\.sorted).ordered { $0 }
    let fields = sorted.fields.filter { field in
      guard kind == "set", case .leaf(_, let bytes) = field else { return true }
      return bytes.last != 0
    }
    return WireTree(kind: kind, fields: fields)
  }

  /// The tree with a field in every message that nobody knows.
  func withUnknownFields() -> WireTree {
    var writer = WireWriter()
    writer.string(Self.unknown, "unknown in \(kind)")
    let mark = Field.leaf(number: Self.unknown, writer.pieces.flatMap { $0.bytesInMemory ?? [] })
    return WireTree(kind: kind, fields: mapped { $0.withUnknownFields() }.fields + [mark])
  }

  /// The first message of a kind within the first of another kind.
  func first(_ outer: String, _ inner: String) -> WireTree? { first(outer)?.first(inner) }

  private func first(_ kind: String) -> WireTree? {
    fields.lazy.compactMap { field in
      guard case .message(_, let tree) = field, tree.kind == kind else { return nil }
      return tree
    }.first
  }

  /// The tree with another message in that one's place.
  func replacingFirst(_ outer: String, _ inner: String, with tree: WireTree) -> WireTree {
    guard let first = first(outer) else { return self }
    return replacingFirst(with: first.replacingFirst(with: tree))
  }

  private func replacingFirst(with tree: WireTree) -> WireTree {
    var (fields, isDone) = (fields, false)
    for place in fields.indices {
      guard !isDone, case .message(let number, let old) = fields[place], old.kind == tree.kind else {
        continue
      }
      (fields[place], isDone) = (.message(number: number, tree), true)
    }
    return WireTree(kind: kind, fields: fields)
  }

  /// The tree with these integers in the fields of a number; nil leaves it as it is.
  func replacing(_ number: Int, with integers: [Int]?) -> WireTree {
    guard let integers else { return self }
    let new = integers.map { integer in
      var writer = WireWriter()
      writer.int(number, integer)
      return Field.leaf(number: number, writer.pieces.flatMap { $0.bytesInMemory ?? [] })
    }
    return WireTree(kind: kind, fields: new + fields.filter { $0.number != number })
  }

  /// A tensor without the entry that gives the length of its external data.
  func droppingLength(_ drops: Bool) -> WireTree {
    let kept = fields.filter { field in
      guard drops, case .message(13, let entry) = field else { return true }
      return !entry.bytes.starts(with: [0x0A, 6] + Array("length".utf8))
    }
    return WireTree(kind: kind, fields: kept)
  }

  private func mapped(_ change: (WireTree) -> WireTree) -> WireTree {
    let fields = fields.map { field in
      guard case .message(let number, let tree) = field else { return field }
      return .message(number: number, change(tree))
    }
    return WireTree(kind: kind, fields: fields)
  }

  /// The fields in the order that `order` makes of their numbers, ascending.
  private func ordered(_ order: ([Int]) -> [Int]) -> WireTree {
    let numbers = order(Set(fields.map(\.number)).sorted())
    return WireTree(kind: kind, fields: numbers.flatMap { number in fields.filter { $0.number == number } })
  }

  /// How often the field of `withUnknownFields` is there, in all messages.
  var unknownFields: Int {
    fields.reduce(0) { sum, field in
      switch field {
      case .leaf(let number, _): sum + (number == Self.unknown ? 1 : 0)
      case .message(_, let tree): sum + tree.unknownFields
      }
    }
  }
}

extension WireTree.Field {
  var number: Int {
    switch self {
    case .leaf(let number, _), .message(let number, _): number
    }
  }
}
