internal import CLowRank
internal import ModelGraph
internal import Network
internal import Tensors

/// An input as it comes from outside: `lowrank_array`, checked.
struct InputArray {
  let name: String
  let shape: InputShape
  private let given: lowrank_array
  private let code: ElementCode
  private let argument: String

  /// The array at a place among inputs of which this is known; `argument` names it in errors.
  init(
    _ pointer: UnsafePointer<lowrank_array>?, at place: Int, among inputs: [ValueInfo], _ argument: String
  ) throws(Failure) {
    self.argument = argument
    given = try structure(pointer, argument)
    name = try valueName(given.name, at: place, among: inputs, argument)
    code = try ElementCode(given.type, argument)
    let order = try number(given.order, in: 0...Int(LOWRANK_MAX_ORDER), "\(argument)->order")
    var extents: [Int] = []
    for (axis, extent) in read(given.shape, count: order).enumerated() {
      extents.append(try number(extent, in: 0...Limits.extent, "\(argument)->shape[\(axis)]"))
    }
    guard Shape(checking: extents) != nil, let type = given.type.dataType else {
      throw Failure(LOWRANK_TOO_LARGE, "\(argument) of \(extents) has more elements than can be counted")
    }
    shape = InputShape(type: type, extents: extents)
  }

  /// The elements, as many as the shape says.
  func elements() throws(Failure) -> ElementBuffer {
    try requireCount(given.count, shape.extents.reduce(1, *), argument)
    return try ElementBuffer(given.elements, count: given.count, code, "\(argument)->elements")
  }
}

/// An output as it is asked for: `lowrank_array`, checked.
struct OutputArray {
  let name: String
  private let given: lowrank_array
  private let pointer: UnsafeMutablePointer<lowrank_array>
  private let argument: String

  /// The array at a place among those that are asked for.
  init(_ pointer: UnsafeMutablePointer<lowrank_array>?, at place: Int, of network: Network) throws(Failure) {
    argument = "outputs[\(place)]"
    self.pointer = try required(pointer, argument)
    given = try structure(UnsafePointer(self.pointer), argument)
    name = try valueName(given.name, at: place, among: network.outputs, argument)
    if given.type != LOWRANK_UNKNOWN_TYPE { _ = try ElementCode(given.type, argument) }
  }

  /// Whether elements are wanted.
  var wantsElements: Bool { given.elements != nil || given.count != 0 }

  /// The caller's elements, of a type.
  func buffer(_ type: lowrank_type) throws(Failure) -> ElementBuffer {
    try ElementBuffer(
      given.elements, count: given.count, try ElementCode(type, argument), "\(argument)->elements")
  }

  /// What the caller is told of a value of this type and, where they are known, these extents.
  ///
  /// **Throws** where the type asked for is of another kind, or there are more axes than there is room for.
  func description(of value: DataType, _ extents: [Int]?) throws(Failure) -> Description {
    if let extents, extents.count > Int(LOWRANK_MAX_ORDER) {
      throw Failure(
        LOWRANK_UNSUPPORTED, "'\(name)' has \(extents.count) axes, more than \(LOWRANK_MAX_ORDER)")
    }
    let isFloat = [.float32, .float64, .float16, .bfloat16].contains(value)
    guard given.type != LOWRANK_UNKNOWN_TYPE else {
      return Description(type: isFloat ? LOWRANK_FLOAT32 : lowrank_type(value), extents: extents)
    }
    guard try ElementCode(given.type, argument).isInteger != isFloat else {
      throw Failure(
        LOWRANK_INVALID_ARGUMENT, "\(argument)->type is \(given.type.rawValue), but '\(name)' is of \(value)")
    }
    return Description(type: given.type, extents: extents)
  }

  /// What the caller is told of an output; without extents, that they are not known.
  struct Description {
    let type: lowrank_type
    let extents: [Int]?
  }

  /// Tells the caller what an output is.
  func tell(_ description: Description) {
    pointer.pointee.type = description.type
    pointer.pointee.order = description.extents.map { Int32($0.count) } ?? -1
    let rest = [Int](repeating: 0, count: Int(LOWRANK_MAX_ORDER))
    write((description.extents ?? []) + rest, to: &pointer.pointee.shape)
  }

  /// Throws where the caller's elements are not as many as a shape says.
  func requireRoom(_ extents: [Int]) throws(Failure) {
    guard wantsElements else { return }
    try requireCount(given.count, extents.reduce(1, *), argument)
  }
}

/// The name of a value: the one given, or that of the value at the same place.
private func valueName(
  _ name: UnsafePointer<CChar>?, at place: Int, among values: [ValueInfo], _ argument: String
) throws(Failure) -> String {
  if let name { return try text(name, atMost: 4095, "\(argument)->name") }
  guard place < values.count else {
    throw Failure(
      LOWRANK_INVALID_ARGUMENT, "\(argument) has no name, and there are \(values.count) such values")
  }
  return values[place].name
}
