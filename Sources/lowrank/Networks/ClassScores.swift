import Network
import Reports
import TensorFiles
import Tensors

/// What a network made of images: a row of numbers for each, out of its first output.
struct ClassScores {
  /// The numbers of a row.
  let classes: Int
  /// Whether a row is one number a class, and no map or picture.
  let areOfClasses: Bool
  /// Row by row.
  let scores: [Float]
  /// The time of the runs, without reading images.
  let seconds: Double

  /// The rows.
  var count: Int { scores.count / max(1, classes) }

  func row(_ image: Int) -> ArraySlice<Float> { scores[(image * classes)..<((image + 1) * classes)] }

  /// Runs a network on all images, `batch` at a time; where the model fixes the batch, that is it, and the last one is
  /// filled up.
  ///
  /// **Throws** an error that names the model's file where the network is no classifier of images.
  init(_ network: Network, _ path: String, _ images: ImageSource, batch: Int) throws {
    guard network.inputs.count == 1, let info = network.inputs.first, let output = network.outputs.first
    else {
      throw FileError(
        path: path, reason: "a model of one input is needed; this one has \(network.inputs.count)")
    }
    let fixed = info.extents?.first ?? nil
    let size = max(1, fixed ?? batch)
    let session = network.makeSession()
    let clock = ContinuousClock()
    var (scores, classes, seconds): ([Float], Int, Double) = ([], 0, 0)
    var areOfClasses = true
    for start in stride(from: 0, to: images.count, by: size) {
      let real = min(size, images.count - start)
      let places = (0..<(fixed == nil ? real : size)).map { start + min($0, real - 1) }
      let input = try images.batch(places, for: info, model: path)
      let began = clock.now
      let result: NetworkTensor?
      do throws(NetworkError) {
        result = try session.run([info.name: input], outputs: [output.name])[output.name]
      } catch { throw error.inFile(path) }
      seconds += (clock.now - began).seconds
      guard let floats = result?.floats, floats.shape.order > 0, floats.shape[0] == places.count,
        floats.count > 0
      else {
        throw FileError(
          path: path,
          reason:
            "its first output '\(output.name)' of \(result?.shape ?? []) is no row of numbers for each of"
            + " \(places.count) images")
      }
      classes = floats.count / places.count
      areOfClasses = floats.shape.extents.dropFirst().count { $0 > 1 } <= 1
      scores += floats.elements.prefix(real * classes)
    }
    (self.scores, self.classes, self.seconds, self.areOfClasses) = (scores, classes, seconds, areOfClasses)
  }

  /// The class of the largest number; the first of several. NaN is none, and maps have none.
  func prediction(_ image: Int) -> Int? {
    let row = row(image)
    guard areOfClasses, !row.contains(where: \.isNaN), let best = row.max() else { return nil }
    return row.firstIndex(of: best).map { $0 - row.startIndex }
  }

  /// How many classes come before one: 0 for the prediction. Nil where a number is NaN, which leaves no order.
  func rank(of label: Int, _ image: Int) -> Int? {
    let row = row(image)
    guard !row.contains(where: \.isNaN) else { return nil }
    let own = row[row.startIndex + label]
    return row.enumerated().reduce(0) { rank, score in
      rank + (score.element > own || (score.element == own && score.offset < label) ? 1 : 0)
    }
  }

  /// How many images have their label among the first `top` classes.
  func accuracy(_ labels: [Int], top: Int) -> Proportion {
    let right = labels.indices.reduce(0) {
      $0 + ((rank(of: labels[$1], $1).map { $0 < top } ?? false) ? 1 : 0)
    }
    return Proportion(right, of: labels.count)
  }
}

/// How far the rows of two networks lie apart.
struct ScoreDifference {
  /// The root of the sum of squared differences over that of the second's squares.
  let relativeRMS: Double
  /// The largest difference.
  let largest: Double

  /// **Traps** where the rows differ in length.
  init(_ a: some Collection<Float>, from b: some Collection<Float>) {
    precondition(a.count == b.count, "rows of \(a.count) and \(b.count)")
    var (error, size, largest) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      // Equal infinities do not differ.
      let difference = x == y ? 0 : Double(x) - Double(y)
      error += difference * difference
      size += Double(y) * Double(y)
      largest = difference.isNaN ? .infinity : max(largest, abs(difference))
    }
    self.largest = largest
    let relative = error == 0 ? 0 : (error / size).squareRoot()
    relativeRMS = relative.isNaN ? .infinity : relative
  }
}
