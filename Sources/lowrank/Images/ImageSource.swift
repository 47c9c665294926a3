import ModelGraph
import Network
import TensorFiles
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Images for a network: the rows of an array, or files that are decoded when they are wanted.
enum ImageSource {
  case array(NPYArray, path: String)
  case files([String], ImageArguments)

  /// Images out of a `.npy` file, an image file, or all PNG and JPEG files of a folder by name.
  ///
  /// **Throws** `FileError` where there are none.
  init(_ path: String, _ arguments: ImageArguments) throws(FileError) {
    var isFolder: Bool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw FileError(path: path, reason: "there is no such file or folder")
    }
    if isFolder {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      let images = names.filter { Self.isImage($0) && !$0.hasPrefix(".") }.sorted()
      guard !images.isEmpty else {
        throw FileError(path: path, reason: "there are no .png, .jpg or .jpeg files in this folder")
      }
      self = .files(images.map { path + "/" + $0 }, arguments)
    } else if Self.isImage(path) {
      self = .files([path], arguments)
    } else {
      try arguments.requireNothing(for: path)
      let array = try NPYArray(contentsOf: path)
      guard array.shape.order > 0, array.shape.count > 0 else {
        throw FileError(path: path, reason: "\(array.shape) holds no images")
      }
      self = .array(array, path: path)
    }
  }

  /// Whether a file's name is that of an image.
  static func isImage(_ path: String) -> Bool {
    let name = path.lowercased()
    return [".png", ".jpg", ".jpeg"].contains { name.hasSuffix($0) }
  }

  /// Whether a path is an image's or a folder's.
  static func holdsImages(_ path: String) -> Bool {
    var isFolder: Bool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && (isFolder || isImage(path))
  }

  /// The number of images.
  var count: Int {
    switch self {
    case .array(let array, _): array.shape[0]
    case .files(let paths, _): paths.count
    }
  }

  /// What an image is called.
  func name(_ image: Int) -> String {
    switch self {
    case .array: "\(image)"
    case .files(let paths, _): paths[image].split(separator: "/").last.map(String.init) ?? paths[image]
    }
  }

  /// Some images as an input; `model` is the model's file.
  ///
  /// **Throws** `FileError` where a file is no image, or images differ in size.
  func batch(_ images: [Int], for info: ValueInfo, model: String) throws(FileError) -> NetworkTensor {
    switch self {
    case .array(let array, let path):
      return try NetworkTensor(array.rows(images), for: info, path: path)
    case .files(let paths, let arguments):
      let layout = try ImageLayout(info, path: model)
      var (elements, first): ([Float], Shape?) = ([], nil)
      for image in images {
        let (shape, more) = try arguments.elements(of: paths[image], for: layout)
        guard shape == first ?? shape else {
          throw FileError(
            path: paths[image],
            reason: "its size differs from that of the images before it: give --resize WxH")
        }
        first = shape
        elements += more
      }
      return NetworkTensor(
        Tensor(shape: Shape([images.count] + (first?.extents ?? [])), elements: elements),
        type: info.dataType ?? .float32)
    }
  }
}

extension NPYArray {
  /// Parts along the first axis.
  fileprivate func rows(_ rows: [Int]) -> NPYArray {
    let size = shape.count / shape[0]
    let part = Shape([rows.count] + shape.extents.dropFirst())
    func gathered<Element>(_ elements: [Element]) -> [Element] {
      rows.flatMap { elements[($0 * size)..<(($0 + 1) * size)] }
    }
    switch self {
    case .floats(.float(let tensor), let type):
      return .floats(.float(Tensor(shape: part, elements: tensor.gathered(rows, size))), type: type)
    case .floats(.double(let tensor), let type):
      return .floats(.double(Tensor(shape: part, elements: tensor.gathered(rows, size))), type: type)
    case .integers(let integers, _, let type):
      return .integers(gathered(integers), shape: part, type: type)
    }
  }
}

extension Tensor {
  /// Stretches of `size` elements.
  fileprivate func gathered(_ rows: [Int], _ size: Int) -> [Element] {
    withSpan { span in rows.flatMap { row in (0..<size).map { span[row * size + $0] } } }
  }
}
