import Tensors

extension ShapeInference {
  /// The elements of a node's first output, where it is arithmetic on shapes and all it needs is known.
  func integerElements(of node: NodeProto) -> [Int?]? {
    switch node.opType {
    case "Constant":
      if let tensor = node.attribute("value"), tensor.hasT { return small(tensor.t.integers) }
      if let list = node.ints("value_ints") { return small(list) }
      return node.attribute("value_int").map { [Int($0.i)] }
    case "Shape":
      return extents(node, 0).map { Array($0[shapeRange(node, order: $0.count)]) }
    case "Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Floor", "Ceil":
      return integers(node, 0)
    case "Concat":
      let parts = node.input.indices.map { integers(node, $0) }
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
      let value = node.attribute("value")?.t.integers?.first
      return value.map { [Int?](repeating: $0, count: count) }
    case "Add": return combined(node, +)
    case "Sub": return combined(node, -)
    case "Mul": return combined(node, *)
    case "Div": return combined(node, /)
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

  private func gatheredElements(_ node: NodeProto) -> [Int?]? {
    guard node.int("axis", default: 0) == 0, let values = integers(node, 0), let places = integers(node, 1)
    else {
      return nil
    }
    return places.map { place in
      guard let place, let index = axis(place, order: values.count) else { return nil }
      return values[index]
    }
  }

  private func slicedElements(_ node: NodeProto) -> [Int?]? {
    guard let values = integers(node, 0),
      let start = knownIntegers(node, input: 1, attribute: "starts")?.first,
      let end = knownIntegers(node, input: 2, attribute: "ends")?.first
    else { return nil }
    let step = knownIntegers(node, input: 4, attribute: "steps")?.first ?? 1
    return SliceRange(start: start, end: end, step: step, extent: values.count)?.places?.map { values[$0] }
  }

  /// Two lists, element by element; a list of one goes with every element of the other.
  private func combined(
    _ node: NodeProto, _ operation: (CheckedInteger, CheckedInteger) -> CheckedInteger
  ) -> [Int?]? {
    guard let a = integers(node, 0), let b = integers(node, 1), !a.isEmpty, !b.isEmpty,
      a.count == b.count || a.count == 1 || b.count == 1
    else { return nil }
    return (0..<max(a.count, b.count)).map { place in
      guard let x = a[a.count == 1 ? 0 : place], let y = b[b.count == 1 ? 0 : place] else { return nil }
      return operation(CheckedInteger(x), CheckedInteger(y)).value
    }
  }

  private func chosen(_ node: NodeProto) -> [Int?]? {
    guard let condition = integers(node, 0), let a = integers(node, 1), let b = integers(node, 2),
      condition.count == a.count, a.count == b.count
    else { return nil }
    return condition.indices.map { place in condition[place].flatMap { $0 != 0 ? a[place] : b[place] } }
  }
}
