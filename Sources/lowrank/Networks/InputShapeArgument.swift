import ArgumentParser
import ModelGraph
import TensorFiles
import Tensors

/// `NAME=1,3,224,224`, or the shape alone for the next input that has none.
struct InputShapeArgument: ExpressibleByArgument {
  private let name: String?
  private let extents: [Int]

  init?(argument: String) {
    // Names may hold an equals sign; extents do not.
    let split = argument.lastIndex(of: "=")
    guard split != argument.startIndex else { return nil }
    name = split.map { String(argument[..<$0]) }
    let extents = argument[(split.map(argument.index(after:)) ?? argument.startIndex)...].split(
      separator: ",", omittingEmptySubsequences: false
    )
    .map { Int($0) ?? 0 }
    guard extents.allSatisfy({ $0 > 0 && $0 < 1 << 31 }) else { return nil }
    self.extents = extents
  }

  /// The most elements of all inputs together, so that a broken model does not ask for all memory.
  private static var mostElements: Int { 1 << 26 }

  /// The shapes of inputs by name: as given, or as the model has them, with one for a batch that it leaves open.
  ///
  /// **Throws** where an input has no shape, or a shape no input.
  static func assigned(_ shapes: [InputShapeArgument], to infos: [ValueInfo], of model: String) throws
    -> [String: Shape]
  {
    let given = try named(shapes, among: infos, of: model)
    var result: [String: Shape] = [:]
    var room = mostElements
    for info in infos {
      let shape = try info.shape(given[info.name], most: room, of: model)
      room -= shape.count
      result[info.name] = shape
    }
    return result
  }

  /// The extents that are given, by the inputs' names.
  ///
  /// **Throws** where no input has a name, where one has two shapes or another one than its own, and where there are more shapes
  /// than inputs.
  static func named(_ shapes: [InputShapeArgument], among infos: [ValueInfo], of model: String) throws
    -> [String: [Int]]
  {
    var given: [String: [Int]] = [:]
    for shape in shapes {
      guard let name = shape.name else { continue }
      guard infos.contains(where: { $0.name == name }) else {
        throw FileError(path: model, reason: "--input-shape: the model has no input '\(name)'; \(infos.list)")
      }
      guard given.updateValue(shape.extents, forKey: name) == nil else {
        throw FileError(path: model, reason: "--input-shape is given twice for the input '\(name)'")
      }
    }
    var rest = infos.map(\.name).filter { given[$0] == nil }[...]
    for shape in shapes where shape.name == nil {
      guard let next = rest.popFirst() else {
        throw FileError(path: model, reason: "--input-shape is given more often than the model has inputs")
      }
      given[next] = shape.extents
    }
    for info in infos { try given[info.name].map { try info.require($0, of: model) } }
    return given
  }
}

extension ValueInfo {
  /// **Throws** where a shape is none that the input can have.
  fileprivate func require(_ given: [Int], of model: String) throws(FileError) {
    guard let extents else { return }
    guard extents.count == given.count, zip(extents, given).allSatisfy({ $0 ?? $1 == $1 }) else {
      throw FileError(
        path: model,
        reason:
          "--input-shape \(given.map(String.init).joined(separator: ",")): the input '\(name)' is \(shapeText), and only what is ?"
          + " there can be chosen")
    }
  }

  /// The shape to run with, given or the model's own.
  fileprivate func shape(_ given: [Int]?, most: Int, of model: String) throws -> Shape {
    var extents = given.map { $0.map { Optional($0) } } ?? self.extents ?? [nil]
    if given == nil, let first = extents.first, first == nil, self.extents != nil { extents[0] = 1 }
    let known = extents.compactMap { $0 }
    guard known.count == extents.count else {
      throw FileError(
        path: model,
        reason: "the shape of the input '\(name)' is \(shapeText): give --input-shape \(name)=..."
      )
    }
    guard let shape = Shape(checking: known), shape.count <= most else {
      throw FileError(
        path: model,
        reason: "the input '\(name)' takes the inputs past 2^26 elements, the most that are timed")
    }
    return shape
  }
}
