import ArgumentParser
import ModelGraph
import Network
import TensorFiles
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `x.npy`, or `NAME=x.npy` for the input of that name.
struct InputFile: ExpressibleByArgument {
  let argument: String

  init?(argument: String) {
    guard !argument.isEmpty else { return nil }
    self.argument = argument
  }

  /// The input and the file, for a network with inputs of these names. A path may hold an equals sign as well: only what
  /// is an input's name is one.
  func resolved(_ names: [String]) -> (name: String?, path: String) {
    for name in names where argument.hasPrefix(name + "=") {
      return (name, String(argument.dropFirst(name.count + 1)))
    }
    return (nil, argument)
  }

  /// The files of inputs by name; those without a name are for the inputs that are left, in the model's order.
  ///
  /// **Throws** where an input has two files or none, or a file has no input.
  static func assigned(_ files: [InputFile], to infos: [ValueInfo], of model: String) throws -> [(
    info: ValueInfo, path: String
  )] {
    let resolved = files.map { $0.resolved(infos.map(\.name)) }
    var paths: [String: String] = [:]
    for (name, path) in resolved {
      guard let name else { continue }
      guard paths.updateValue(path, forKey: name) == nil else {
        throw FileError(path: model, reason: "-i: the input '\(name)' is given twice")
      }
    }
    var rest = infos.map(\.name).filter { paths[$0] == nil }[...]
    for (name, path) in resolved where name == nil {
      if let sign = path.firstIndex(of: "="), !FileManager.default.fileExists(atPath: path) {
        throw FileError(
          path: model,
          reason: "-i \(path): there is no input '\(path[..<sign])', nor a file of that name; \(infos.list)")
      }
      guard let next = rest.popFirst() else {
        throw FileError(path: model, reason: "-i \(path): the model has no further input; \(infos.list)")
      }
      paths[next] = path
    }
    return try infos.map { info in
      guard let path = paths[info.name] else {
        throw FileError(path: model, reason: "there is no -i for the input '\(info.name)'; \(infos.list)")
      }
      return (info, path)
    }
  }
}

extension [ValueInfo] {
  /// The names and shapes, in words.
  var list: String {
    isEmpty ? "it takes none" : "it takes " + map { "'\($0.name)' \($0.shapeText)" }.joined(separator: ", ")
  }
}

extension NetworkTensor {
  /// The array of a `.npy` file as an input.
  ///
  /// Floating point of any precision goes into floating point; so do integers and truth values, as they are: an image of
  /// bytes becomes numbers from 0 to 255. Integers go into integers and truth values that hold them.
  ///
  /// **Throws** `FileError` where the input does not hold what is in the file.
  init(contentsOf path: String, for info: ValueInfo) throws(FileError) {
    try self.init(try NPYArray(contentsOf: path), for: info, path: path)
  }

  /// An array as an input; `path` names it in errors.
  init(_ array: NPYArray, for info: ValueInfo, path: String) throws(FileError) {
    let wanted = info.dataType ?? array.dataType
    switch array {
    case .floats(let tensor, let type):
      guard wanted.elementType != nil else {
        throw FileError(
          path: path, reason: "it holds \(type.name), the input '\(info.name)' takes \(wanted): convert it")
      }
      self.init(tensor.converted(), type: wanted)
    case .integers(let integers, let shape, let type):
      if wanted.elementType != nil {
        self.init(Tensor(shape: shape, elements: integers.map { Float($0) }), type: wanted)
        return
      }
      guard let target = IntegerType(wanted) else {
        throw FileError(
          path: path, reason: "the input '\(info.name)' takes \(wanted), which there is no file for")
      }
      if let place = integers.firstIndex(where: { !target.range.contains($0) }) {
        throw FileError(
          path: path,
          reason: "element \(place) of \(type.rawValue) is \(integers[place]), which \(wanted) does not hold")
      }
      self.init(shape: shape, integers: integers, type: wanted)
    }
  }

  /// The tensor as an array of a file.
  var array: NPYArray {
    switch elements {
    case .floats(let tensor): .floats(.float(tensor), type: type == .float16 ? .float16 : .float32)
    case .integers(let integers): .integers(integers, shape: shape, type: IntegerType(type) ?? .int64)
    }
  }
}

extension NPYArray {
  fileprivate var dataType: DataType {
    switch self {
    case .floats(_, let type): DataType(type)
    case .integers(_, _, let type): DataType(type)
    }
  }
}

extension DataType {
  /// A type of stored integers.
  init(_ type: IntegerType) {
    switch type {
    case .int8: self = .int8
    case .int16: self = .int16
    case .int32: self = .int32
    case .int64: self = .int64
    case .uint8: self = .uint8
    case .uint16: self = .uint16
    case .uint32: self = .uint32
    case .uint64: self = .uint64
    case .bool: self = .bool
    }
  }
}

extension IntegerType {
  /// How integers of a network are stored; nil for other types.
  init?(_ type: DataType) {
    guard let found = Self.allCases.first(where: { DataType($0) == type }) else { return nil }
    self = found
  }
}
