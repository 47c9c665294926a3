import TensorFiles

/// What a moments file is about: which model, which samples of how many, and how these were looked at.
struct MomentsHeader: Sendable, Equatable {
  /// The digest of the model's file.
  let model: String
  /// How samples were made and looked at, in words; files that are to add up agree in it.
  let sampling: String
  /// The samples, by their place in the whole set.
  let samples: Range<Int>
  /// The samples of the whole set.
  let total: Int

  private static let format = "lowrank-moments-1"

  init(model: String, sampling: String, samples: Range<Int>, total: Int) {
    (self.model, self.sampling, self.samples, self.total) = (model, sampling, samples, total)
  }

  /// **Throws** `FileError` where the metadata are not a moments file's.
  init(_ metadata: [String: String], path: String) throws(FileError) {
    guard metadata["format"] == Self.format else {
      throw FileError(path: path, reason: "this is no moments file as `lowrank moments` writes it")
    }
    guard let model = metadata["model"], let sampling = metadata["sampling"] else {
      throw FileError(path: path, reason: "its metadata do not say of which model it is, or how it was made")
    }
    let numbers = ["first", "count", "total"].map { metadata[$0].flatMap { Int($0) } ?? -1 }
    guard numbers[0] >= 0, numbers[1] >= 1, numbers[2] <= BinnedSums.mostTerms,
      numbers[0] <= numbers[2], numbers[1] <= numbers[2] - numbers[0]
    else {
      throw FileError(
        path: path,
        reason:
          "its metadata give no part of some inputs: first \(metadata["first"] ?? "?"), count"
          + " \(metadata["count"] ?? "?"), total \(metadata["total"] ?? "?") of at most \(BinnedSums.mostTerms)"
      )
    }
    self.init(
      model: model, sampling: sampling, samples: numbers[0]..<(numbers[0] + numbers[1]), total: numbers[2])
  }

  var metadata: [String: String] {
    [
      "format": Self.format, "model": model, "sampling": sampling, "first": "\(samples.lowerBound)",
      "count": "\(samples.count)", "total": "\(total)",
    ]
  }
}
