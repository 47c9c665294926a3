import Tensors

/// The images of a batch one below the other, as one tall image.
///
///     row of the tall image = image period + row of the image
///
/// Small images fill neither the tiles of a Winograd form nor the pixels of a product; a tall one does, and weights that the
/// second cache does not hold are read once for all images of a band. Every image begins with a row of tiles of its own, and
/// what is read for it is its own rows, or zeros: no image has a part in the roundings of another, nor a NaN. The rows between
/// images belong to nobody: nothing is brought there, and nothing leaves from there.
struct ImageStack: Hashable, Sendable {
  let images: Int
  /// The rows of an image, the same in every map.
  let height: Int
  /// Rows from one image to the next.
  let period: Int

  /// Images of `height` rows with at least `gap` rows between them, each beginning at a multiple of `tile` rows.
  init(images: Int, height: Int, gap: Int, tile: Int) {
    (self.images, self.height) = (images, height)
    period = roundUp(height + gap, to: tile)
  }

  /// Whether stacking can serve: not for a single image, nor for large ones, which fill tiles and products by themselves, nor
  /// where maps differ in their rows, nor for so many that looking through the heights of their bands takes long.
  static func serves(_ planes: [PlaneGeometry], images: Int) -> Bool {
    let height = planes[0].inputHeight
    return images > 1 && images <= mostRows / max(1, height)
      && planes.allSatisfy { plane in
        plane.stride.height == 1 && plane.inputHeight == height && plane.outputHeight == height
          && height * max(plane.inputWidth, plane.outputWidth) <= mostPixels
      }
  }

  /// The most pixels of an image that is worth it.
  private static let mostPixels = 1024
  /// The most rows of images together.
  private static let mostRows = 1 << 16

  /// The rows of the tall image: none behind the last one's.
  var rows: Int { (images - 1) * period + height }

  /// Whether a row belongs to no image.
  func isBetween(_ row: Int) -> Bool { row % period >= height }

  /// Whether a row is one of the image's that another row is in, or behind.
  func shares(_ row: Int, with other: Int) -> Bool { row / period == other / period && !isBetween(row) }

  /// The image that a row belongs to, and the row of it.
  func place(of row: Int) -> (image: Int, row: Int) { (row / period, row % period) }

  /// Gives those of some rows that belong to images, image by image.
  func forEachImage(of rows: Range<Int>, _ body: (Range<Int>) -> Void) {
    var start = rows.lowerBound
    while start < rows.upperBound {
      let (image, row) = place(of: start)
      let end = min(image * period + height, rows.upperBound)
      if row < height { body(start..<end) }
      start = (image + 1) * period
    }
  }
}

extension PlaneGeometry {
  /// The plane of the tall image.
  func stacked(_ stack: ImageStack) -> PlaneGeometry {
    var plane = self
    (plane.inputHeight, plane.outputHeight) = (stack.rows, stack.rows)
    return plane
  }

  /// The most rows of padding, in front or behind, that a stage with as many output rows as input rows reads.
  var paddingRows: Int {
    let read = rowsRead(by: 0..<outputHeight)
    return max(0, -read.lowerBound, read.upperBound - inputHeight)
  }
}
