internal import Tensors

extension ShapeInference {
  /// What the elements of a node's first output are, where it is one of the operators followed here.
  func elementType(of node: Node) -> DataType? {
    switch node.opType {
    case "Constant": node.tensor("value")?.type ?? .int64
    case "ConstantOfShape": node.tensor("value")?.type
    case "Shape", "Size": .int64
    case "Equal": .bool
    case "Cast": DataType(number: node.int("to", default: 0))
    case "Where": node.input(1).flatMap { types[$0] }
    default: node.input(0).flatMap { types[$0] }
    }
  }

  /// Whether the order of an input's elements is that of its one axis, as far as is known.
  private func isVector(_ node: Node, _ place: Int) -> Bool { extents(node, place)?.count ?? 1 <= 1 }

  /// The elements of a node's first output, where it is arithmetic on shapes and all it needs is known.
  func integerElements(of node: Node) -> [Int?]? {
    switch node.opType {
    case "Constant":
      if let tensor = node.tensor("value") { return small(tensor.integers) }
      if let list = node.ints("value_ints") { return small(list) }
      return node.attribute("value_int") == nil ? nil : [node.int("value_int", default: 0)]
    case "Shape":
      return extents(node, 0).map { Array($0[shapeRange(node, order: $0.count)]) }
    case "Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Floor", "Ceil":
      return integers(node, 0)
    case "Concat":
      let parts = node.inputs.indices.map { isVector(node, $0) ? integers(node, $0) : nil }
      guard !parts.contains(where: { $0 == nil }) else { return nil }
      return small(parts.flatMap { $0 ?? [] })
    case "Gather": return gatheredElements(node)
    case "Slice": return slicedElements(node)
    case "Size": return extents(node, 0).map { [product($0)] }
    case "ConstantOfShape":
      guard let count = integers(node, 0).flatMap({ product($0) }), (0...Self.mostIntegers).contains(count)
      else {
        return nil
      }
      let value = node.tensor("value")?.integers?.first
      return value.map { [Int?](repeating: $0, count: count) }
    case "Add": return combined(node, +)
    case "Sub": return combined(node, -)
    case "Mul": return combined(node, *)
    case "Div":
      // Floating-point numbers are followed only while they are whole.
      let isWhole = elementType(of: node)?.elementType == nil
      return combined(node) { isWhole || ($0 / $1) * $1 == $0 ? $0 / $1 : CheckedInteger(nil) }
    case "Max": return combined(node, CheckedInteger.greatest)
    case "Min": return combined(node, CheckedInteger.least)
    case "Equal": return combined(node) { $0 == $1 ? 1 : 0 }
    case "Where": return chosen(node)
    default: return nil
    }
  }

  private func small(_ values: [Int?]?) -> [Int?]? {
    values.flatMap { $0.count <= Self.mostIntegers ? $0 : nil }
  }

  private func small(_ values: [Int]?) -> [Int?]? {
    small(values.map { $0.map(Optional.some) })
  }

  private func gatheredElements(_ node: Node) -> [Int?]? {
    guard isVector(node, 0), let values = integers(node, 0), let places = integers(node, 1)
    else {
      return nil
    }
    return places.map { place in
      guard let place, let index = axis(place, order: values.count) else { return nil }
      return values[index]
    }
  }

  private func slicedElements(_ node: Node) -> [Int?]? {
    guard isVector(node, 0), let values = integers(node, 0),
      let start = knownIntegers(node, input: 1, attribute: "starts")?.first,
      let end = knownIntegers(node, input: 2, attribute: "ends")?.first
    else { return nil }
    let step = knownIntegers(node, input: 4, attribute: "steps")?.first ?? 1
    return SliceRange(start: start, end: end, step: step, extent: values.count)?.places?.map { values[$0] }
  }

  /// Two lists, element by element; a list of one goes with every element of the other.
  private func combined(
    _ node: Node, _ operation: (CheckedInteger, CheckedInteger) -> CheckedInteger
  ) -> [Int?]? {
    guard node.inputs.count == 2, let a = integers(node, 0), let b = integers(node, 1),
      !a.isEmpty, !b.isEmpty, a.count == b.count || a.count == 1 || b.count == 1
    else { return nil }
    return (0..<max(a.count, b.count)).map { place in
      guard let x = a[a.count == 1 ? 0 : place], let y = b[b.count == 1 ? 0 : place] else { return nil }
      return operation(CheckedInteger(x), CheckedInteger(y)).value
    }
  }

  private func chosen(_ node: Node) -> [Int?]? {
    guard let condition = integers(node, 0), let a = integers(node, 1), let b = integers(node, 2),
      condition.count == a.count, a.count == b.count
    else { return nil }
    return condition.indices.map { place in condition[place].flatMap { $0 != 0 ? a[place] : b[place] } }
  }
}

extension DataType {
  /// Whether a whole number is one of this type's, without rounding; never for types that are not followed.
  func holds(_ value: Int) -> Bool {
    switch self {
    case .int64: true
    case .int32: Int32(exactly: value) != nil
    case .bool: value == 0 || value == 1
    case .float32: value.magnitude <= 1 << 24
    case .float64: value.magnitude <= 1 << 53
    default: false
    }
  }
}
