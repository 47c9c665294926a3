import ModelGraph
import TensorFiles
import Tensors
import Tune

/// The images to tune on, in memory, and how they are looked at: whole, or squares of them, turned and mirrored at random.
struct ImagePool: TuningImages {
  /// Each as [channels, height, width], or as an array has them.
  private let images: [Tensor<Float>]
  private let side: Int?
  private let flips: Bool
  private let isChannelLast: Bool

  /// The squares of an image that an epoch and a judgement take.
  private static var squares: Int { 8 }
  /// The side of squares where none is given.
  private static var defaultSide: Int { 64 }

  /// **Throws** `FileError` where an image cannot be read, or does not fit the network.
  init(_ source: ImageSource, for model: ModelGraph, looks: LookArguments, limit: Int) throws(FileError) {
    guard model.inputs.count == 1, let info = model.inputs.first else {
      throw FileError(path: model.path, reason: "a model of one input is needed")
    }
    var (images, bytes) = ([Tensor<Float>](), 0)
    for place in 0..<source.count {
      guard let image = try source.batch([place], for: info, model: model.path).floats else {
        throw FileError(path: model.path, reason: "its input '\(info.name)' takes no floating-point numbers")
      }
      images.append(image.reshaped(Shape(Array(image.shape.extents.dropFirst()))))
      bytes += 4 * image.count
      guard bytes <= limit else {
        throw FileError(
          path: model.path,
          reason:
            "the images take more than the \(limit >> 20) MiB allowed: give --resize, fewer, or --memory")
      }
    }
    let layout = try? ImageLayout(info, path: model.path)
    let isOpen = layout.map { $0.height == nil && $0.width == nil } ?? false
    let differ = images.contains { $0.shape != images[0].shape }
    var side = looks.crop == 0 ? nil : looks.crop
    if looks.crop == nil, differ { side = Self.defaultSide }
    if side != nil, !isOpen {
      throw FileError(
        path: model.path,
        reason: "its input is of one size: images cannot be cropped, give --resize fit --crop 0")
    }
    let isChannelLast = layout?.isChannelLast ?? false
    self.isChannelLast = isChannelLast
    flips = looks.flips ?? (side != nil)
    self.side = side
    guard !flips || layout != nil else {
      throw FileError(path: model.path, reason: "its input takes no images: --flips is not for it")
    }
    if let side {
      let large = images.filter { Self.size($0, isChannelLast).allSatisfy { $0 >= side } }
      guard large.count >= 2 else {
        throw FileError(
          path: model.path, reason: "\(large.count) images of \(side) pixels: two are needed, give --crop")
      }
      self.images = large
    } else {
      guard !differ else {
        throw FileError(path: model.path, reason: "the images differ in size: give --resize WxH or --crop")
      }
      self.images = images
    }
  }

  var count: Int { images.count }
  var views: Int { side == nil ? 1 : Self.squares }

  /// How images are looked at, in words.
  var text: String {
    let what = side.map { "squares of \($0) pixels" } ?? "whole images"
    return flips ? what + ", turned and mirrored" : what
  }

  private static func size(_ image: Tensor<Float>, _ isChannelLast: Bool) -> [Int] {
    isChannelLast ? [image.shape[0], image.shape[1]] : [image.shape[1], image.shape[2]]
  }

  func batch(_ places: [Int], variation: UInt64?) throws(TuneError) -> Tensor<Float> {
    let looks = places.map { place in
      // A look depends on its place, whatever others there are beside it.
      let seed = (variation ?? 0x5EED) &+ UInt64(place) &* 0x9E37_79B9_7F4A_7C15
      return look(images[place % count], SeededGenerator(seed: seed), varies: variation != nil)
    }
    let shape = Shape([places.count] + (looks.first?.shape.extents ?? []))
    return Tensor(shape: shape) { batch in
      for (place, look) in looks.enumerated() {
        look.withSpan { x in
          for i in 0..<x.count { batch[place * x.count + i] = x[i] }
        }
      }
    }
  }

  private func look(_ image: Tensor<Float>, _ generator: SeededGenerator, varies: Bool) -> Tensor<Float> {
    var (generator, image) = (generator, image)
    let axes = isChannelLast ? (0, 1) : (1, 2)
    if let side {
      let top = Int.random(in: 0...image.shape[axes.0] - side, using: &generator)
      let left = Int.random(in: 0...image.shape[axes.1] - side, using: &generator)
      image = Tensor(
        image.view.sliced(axis: axes.0, top..<top + side).sliced(axis: axes.1, left..<left + side))
    }
    guard flips, varies else { return image }
    if Bool.random(using: &generator) { image = image.mirrored(axes.0) }
    if Bool.random(using: &generator) { image = image.mirrored(axes.1) }
    if image.shape[axes.0] == image.shape[axes.1], Bool.random(using: &generator) {
      var order = Array(image.shape.extents.indices)
      order.swapAt(axes.0, axes.1)
      image = image.permuted(order)
    }
    return image
  }
}

extension Tensor where Element == Float {
  /// The elements in reverse along an axis.
  fileprivate func mirrored(_ axis: Int) -> Tensor<Float> {
    let (extent, inner) = (shape[axis], shape.strides[axis])
    return Tensor(shape: shape) { result in
      withSpan { x in
        for i in 0..<x.count {
          let place = i / inner % extent
          result[i + (extent - 1 - 2 * place) * inner] = x[i]
        }
      }
    }
  }
}
