import Tensors
import Reports

/// What `lowrank evaluate` prints; the field names are the JSON's.
struct EvaluationReport: Encodable {
  let images: Int
  /// Missing where outputs are maps.
  let classes: Int?
  let msPerImage: Double
  let accuracy: [TopAccuracy]?
  let against: Comparison?
  /// The images furthest from what they should be, the worst first.
  let worst: [WorstImage]

  /// The images whose class is among the first few.
  struct TopAccuracy: Encodable {
    let top: Int
    let result: Proportion
  }

  /// Two networks on the same images.
  struct Comparison: Encodable {
    let msPerImage: Double
    let accuracy: [TopAccuracy]?
    /// The images that both give the same class; missing where outputs are maps.
    let agreement: Proportion?
    let mcNemar: McNemar?
    let relativeRMS: Double
    let largestDifference: Double
    /// False where a difference is NaN or infinite, which JSON has no numbers for.
    let isFinite: Bool
  }

  /// The paired test.
  struct McNemar: Encodable {
    let onlyThisRight: Int
    let onlyOtherRight: Int
    let p: Double
  }

  /// One image.
  struct WorstImage: Encodable {
    let image: String
    let label: Int?
    let predicted: Int?
    /// The other network's prediction.
    let other: Int?
    /// Against another network the relative difference of its numbers; else how far the largest number of a wrong class is
    /// above the right one's.
    let measure: Double
  }

  private static var mostWorst: Int { 5 }

  init(
    _ scores: ClassScores, labels: [Int]?, against other: ClassScores?, top: [Int], name: (Int) -> String
  ) {
    images = scores.count
    classes = scores.areOfClasses ? scores.classes : nil
    msPerImage = scores.seconds * 1e3 / Double(images)
    func accuracy(_ scores: ClassScores) -> [TopAccuracy]? {
      labels.map { labels in
        top.map { TopAccuracy(top: $0, result: scores.accuracy(labels, top: $0)) }
      }
    }
    self.accuracy = accuracy(scores)
    against = other.map { Comparison(scores, $0, labels: labels, accuracy: accuracy($0)) }
    let measures = (0..<images).compactMap { image -> (image: Int, measure: Double)? in
      let measure = Self.measure(image, scores, labels, other)
      return measure > 0 ? (image, min(measure, .greatestFiniteMagnitude)) : nil
    }
    worst = measures.sorted { ($0.measure, $1.image) > ($1.measure, $0.image) }.prefix(Self.mostWorst).map {
      WorstImage(
        image: name($0.image), label: labels?[$0.image], predicted: scores.prediction($0.image),
        other: other?.prediction($0.image), measure: $0.measure)
    }
  }

  private static func measure(
    _ image: Int, _ scores: ClassScores, _ labels: [Int]?, _ other: ClassScores?
  ) -> Double {
    let row = scores.row(image)
    if let other { return ScoreDifference(row, from: other.row(image)).relativeRMS }
    guard let label = labels?[image] else { return 0 }
    if row.contains(where: \.isNaN) { return .infinity }
    let rest = row.enumerated().filter { $0.offset != label }.map(\.element).max()
    return rest.map { Double($0) - Double(row[row.startIndex + label]) } ?? 0
  }
}

extension EvaluationReport.Comparison {
  fileprivate init(
    _ scores: ClassScores, _ other: ClassScores, labels: [Int]?, accuracy: [EvaluationReport.TopAccuracy]?
  ) {
    self.accuracy = accuracy
    msPerImage = other.seconds * 1e3 / Double(other.count)
    var (agree, onlyThis, onlyOther) = (0, 0, 0)
    for image in 0..<scores.count {
      let (a, b) = (scores.prediction(image), other.prediction(image))
      if a == b { agree += 1 }
      guard let label = labels?[image], a != b else { continue }
      if a == label { onlyThis += 1 }
      if b == label { onlyOther += 1 }
    }
    agreement = scores.areOfClasses ? Proportion(agree, of: scores.count) : nil
    mcNemar = labels.map { _ in
      EvaluationReport.McNemar(
        onlyThisRight: onlyThis, onlyOtherRight: onlyOther,
        p: mcNemarTest(onlyFirst: onlyThis, onlySecond: onlyOther))
    }
    let difference = ScoreDifference(scores.scores, from: other.scores)
    isFinite = difference.relativeRMS.isFinite && difference.largest.isFinite
    relativeRMS = min(difference.relativeRMS, .greatestFiniteMagnitude)
    largestDifference = min(difference.largest, .greatestFiniteMagnitude)
  }
}

extension EvaluationReport {
  /// The report for people.
  var text: String {
    var table = Table([("", .left), ("this model", .right)] + (against == nil ? [] : [("other", .right)]))
    for (place, own) in (accuracy ?? []).enumerated() {
      let others = against?.accuracy.map { [text($0[place].result)] } ?? []
      table.add(["top-\(own.top) accuracy", text(own.result)] + others)
    }
    table.add(["ms an image", fixed(msPerImage, 3)] + (against.map { [fixed($0.msPerImage, 3)] } ?? []))
    let what = classes.map { "\(grouped($0)) classes" } ?? "maps"
    var lines = ["\(grouped(images)) images, \(what)", table.text]
    if let against {
      if let agreement = against.agreement { lines.append("the same class for \(text(agreement))") }
      if let test = against.mcNemar {
        lines.append(
          "right here only \(test.onlyThisRight), there only \(test.onlyOtherRight): McNemar's exact p = \(fixed(test.p, 4))"
        )
      }
      lines.append(
        against.isFinite
          ? "outputs differ by \(fixed(100 * against.relativeRMS, 3)) % (RMS), at most \(against.largestDifference)"
          : "outputs differ by numbers that are not finite")
    }
    lines += worst.map { image in
      let parts = [("class", image.label), ("predicted", image.predicted), ("there", image.other)]
      let words = parts.compactMap { word, value in value.map { "\(word) \($0)" } }.joined(separator: ", ")
      let classes = words.isEmpty ? "" : " (\(words))"
      let measure = image.measure < .greatestFiniteMagnitude ? fixed(image.measure, 4) : "not finite"
      return "worst: \(image.image)\(classes), \(measure)".onOneLine
    }
    return lines.joined(separator: "\n")
  }

  private func text(_ part: Proportion) -> String {
    "\(fixed(100 * part.fraction, 2)) % (\(fixed(100 * part.low, 2)) to \(fixed(100 * part.high, 2)))"
  }
}
