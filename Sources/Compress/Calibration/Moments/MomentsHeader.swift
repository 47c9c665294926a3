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
  let weighing: Weighing

  /// Whether the file holds what the outputs of the network make of errors.
  enum Weighing: Sendable, Equatable {
    /// Sums of the gradients of so many outputs.
    case outputs(Int)
    /// None, and why.
    case none(reason: String)
    /// None, as files had none when they were first made.
    case unknown
  }

  private static let format = "lowrank-moments-2"
  /// Without the gradients of outputs, and with what was probed measured behind a Softmax or Sigmoid.
  private static let firstFormat = "lowrank-moments-1"

  init(model: String, sampling: String, samples: Range<Int>, total: Int, weighing: Weighing) {
    (self.model, self.sampling, self.samples, self.total) = (model, sampling, samples, total)
    self.weighing = weighing
  }

  /// **Throws** `FileError` where the metadata are not a moments file's.
  init(_ metadata: [String: String], path: String) throws(FileError) {
    guard let format = metadata["format"], [Self.format, Self.firstFormat].contains(format) else {
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
      model: model, sampling: sampling, samples: numbers[0]..<(numbers[0] + numbers[1]), total: numbers[2],
      weighing: format == Self.format ? try Weighing(metadata, path: path) : .unknown)
  }

  var metadata: [String: String] {
    var metadata = [
      "format": Self.format, "model": model, "sampling": sampling,
      "first": "\(samples.lowerBound)", "count": "\(samples.count)", "total": "\(total)",
    ]
    switch weighing {
    case .outputs(let count): metadata["outputs"] = "\(count)"
    case .none(let reason): metadata["unweighed"] = reason
    case .unknown: break
    }
    return metadata
  }
}

extension MomentsHeader.Weighing {
  fileprivate init(_ metadata: [String: String], path: String) throws(FileError) {
    if let reason = metadata["unweighed"] {
      self = .none(reason: reason)
    } else if let count = metadata["outputs"].flatMap({ Int($0) }), count > 0 {
      self = .outputs(count)
    } else {
      throw FileError(
        path: path,
        reason:
          "its metadata do not say what it holds of the network's outputs: '\(metadata["outputs"] ?? "")'")
    }
  }

  /// The outputs that there are sums of.
  var outputs: Int { if case .outputs(let count) = self { count } else { 0 } }

  /// Why all errors count alike; nil where they do not.
  var obstacle: String? {
    switch self {
    case .outputs: nil
    case .none(let reason): reason
    case .unknown: "these moments files were made before `lowrank moments` wrote that into them"
    }
  }

  /// Whether sums of two files add up.
  func matches(_ other: Self) -> Bool {
    switch (self, other) {
    // Reasons may name shapes.
    case (.none, .none): true
    default: self == other
    }
  }
}
