/// The images of a batch one below the other, as one tall image, with rows of zeros between them for their padding.
///
///     row of the tall image = image period + row of the image
///
/// Small images fill neither the tiles of a Winograd form nor the pixels of a product; a tall one does, and weights that the
/// second cache does not hold are read once for all images of a band. The rows between images belong to nobody: nothing is
/// brought there, what a stage computes there is read as zeros by the next one, and nothing leaves from there.
struct ImageStack: Hashable, Sendable {
  let images: Int
  /// The rows of an image, the same in every map.
  let height: Int
  /// Rows from one image to the next.
  let period: Int

  /// Nil where stacking cannot serve: for a single image, for large ones, which fill tiles and products by themselves, and
  /// where maps differ in their rows.
  init?(_ planes: [PlaneGeometry], images: Int) {
    let height = planes[0].inputHeight
    guard images > 1, planes.allSatisfy({ $0.keepsRows && $0.inputHeight == height }),
      planes.allSatisfy({ height * max($0.inputWidth, $0.outputWidth) <= Self.mostPixels })
    else { return nil }
    let gaps = planes.map { plane in
      let read = plane.rowsRead(by: 0..<height)
      return max(-read.lowerBound, read.upperBound - height)
    }
    self.images = images
    self.height = height
    period = height + max(0, gaps.max() ?? 0)
  }

  /// The most pixels of an image that is worth it.
  private static let mostPixels = 1024

  /// The rows of the tall image: none behind the last one's.
  var rows: Int { (images - 1) * period + height }

  /// Whether a row belongs to no image.
  func isBetween(_ row: Int) -> Bool { row % period >= height }

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
  /// Whether the output has the rows of the input, each read with its neighbours.
  fileprivate var keepsRows: Bool { stride.height == 1 && inputHeight == outputHeight }

  /// The plane of the tall image.
  func stacked(_ stack: ImageStack) -> PlaneGeometry {
    var plane = self
    (plane.inputHeight, plane.outputHeight) = (stack.rows, stack.rows)
    return plane
  }
}
