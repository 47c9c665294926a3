import Tensors

/// What a teacher made of a batch, as it made it: maps of many images are large, and are not copied.
struct Targets: Sendable {
  /// The images of each run of the teacher but the last.
  let imagesOfRun: Int
  /// The values of each run, by their names in the teacher.
  let runs: [[String: Tensor<Float>]]

  /// Nothing.
  static let none = Targets(imagesOfRun: 1, runs: [])

  /// A value for some images; nil where it is missing, or where they are not of one run.
  func view(_ name: String, _ images: Range<Int>) -> TargetView? {
    let run = images.lowerBound / imagesOfRun
    guard runs.indices.contains(run), let value = runs[run][name] else { return nil }
    let first = images.lowerBound - run * imagesOfRun
    guard first + images.count <= value.shape[0] else { return nil }
    return TargetView(value, first..<first + images.count)
  }

  /// As one run of all images.
  var joined: Targets {
    guard let first = runs.first, runs.count > 1 else { return self }
    var whole: [String: Tensor<Float>] = [:]
    for name in first.keys { whole[name] = Tensor.joined(runs.compactMap { $0[name] }) }
    return Targets(imagesOfRun: imagesOfRun * runs.count, runs: [whole])
  }
}

/// A value of some images of a batch.
struct TargetView: Sendable {
  private let value: Tensor<Float>
  private let elements: Range<Int>

  /// Those of `images`; all where there are none given.
  ///
  /// **Traps** where there are no such images.
  init(_ value: Tensor<Float>, _ images: Range<Int>? = nil) {
    self.value = value
    let size = value.count / max(1, value.shape[0])
    elements = images.map { $0.lowerBound * size..<$0.upperBound * size } ?? 0..<value.count
    precondition(elements.upperBound <= value.count, "images \(String(describing: images)) of \(value.shape)")
  }

  /// The number of elements.
  var count: Int { elements.count }

  /// The elements, in their order.
  func withSpan<Result>(_ body: (Span<Float>) -> Result) -> Result {
    value.withSpan { body($0.extracting(elements)) }
  }
}
