import Compress

extension HTMLReport {
  /// Answers that are pictures or maps, side by side.
  func addPictures(_ page: inout HTMLBuilder) {
    let pictures = report.calibration?.pictures ?? []
    guard !pictures.isEmpty else { return }
    let note =
      "The original network's answer, the finished one's on the same scale, and the size of their difference, the largest "
      + "of which is white."
    addSection(&page, "Answers side by side", note) { page in
      page.element("div", ["class": "answers"]) { page in
        for picture in pictures { addPicture(&page, picture) }
      }
      page.newline()
    }
  }

  private func addPicture(_ page: inout HTMLBuilder, _ picture: AnswerPicture) {
    page.element("figure") { page in
      page.element("figcaption") { page in
        page.element("bdi", ["class": "name"], text: picture.output)
        page.text("differs by \(percentText(picture.largestDifference)) of the range at most")
      }
      page.element("div", ["class": "row"]) { page in
        for (title, pixels) in [
          ("original", picture.original), ("finished", picture.finished), ("difference", picture.difference),
        ] {
          let bitmap = Bitmap(
            width: picture.width, height: picture.height, channels: picture.channels, pixels: pixels)
          page.empty("img", ["src": bitmap.address, "alt": title, "title": title])
        }
      }
    }
    page.newline()
  }
}
