import ArgumentParser
import Network
import Reports
import TensorFiles

/// `lowrank evaluate`
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures a network's accuracy on labelled images, alone or against another network.")

  @OptionGroup var arguments: NetworkArguments

  @Option(help: "The images: X.npy with an image for each row, or a folder of PNG and JPEG files, by name.")
  var images: String

  @Option(help: "The number of each image's class, integers.", completion: .file(extensions: ["npy"]))
  var labels: String?

  @Option(help: "Another model to compare with.", completion: .file(extensions: ["onnx"]))
  var against: String?

  @Option(help: "An image counts as right if its class is among this many; several: 1,5.")
  var top = TopList([1])

  @Option(help: "Images a run, where the model leaves that open.") var batch = 32

  @OptionGroup var preparation: ImageArguments

  @Flag(help: "Print JSON.") var json = false

  /// `1,5`
  struct TopList: ExpressibleByArgument {
    let values: [Int]

    init(_ values: [Int]) { self.values = values }

    init?(argument: String) {
      let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
      guard values.allSatisfy({ (1...1 << 20).contains($0) }), Set(values).count == values.count else {
        return nil
      }
      self.values = values
    }

    var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
  }

  func validate() throws {
    guard labels != nil || against != nil else { throw ValidationError("Give --labels, --against, or both.") }
    guard (1...1 << 16).contains(batch) else { throw ValidationError("--batch lies between 1 and 65536.") }
  }

  func run() throws {
    var outputs = try OutputSet(reading: [arguments.model, images] + [labels, against].compactMap { $0 })
    let network = try arguments.load(declaringTo: &outputs)
    let source = try ImageSource(images, preparation)
    let scores = try ClassScores(network, arguments.model, source, batch: batch)
    let labels = try self.labels.map { try readLabels($0, scores) }
    var other: ClassScores?
    if let against {
      let network = try Network.load(against, options: network.options, declaringTo: &outputs)
      let second = try ClassScores(network, against, source, batch: batch)
      guard second.classes == scores.classes else {
        throw FileError(
          path: against,
          reason: "it makes \(second.classes) numbers an image, the other model \(scores.classes)")
      }
      other = second
    }
    let report = EvaluationReport(
      scores, labels: labels, against: other, top: top.values, name: source.name)
    try outputs.finish(printing: json ? try jsonText(report) : report.text)
  }

  /// One label an image, each a class.
  private func readLabels(_ path: String, _ scores: ClassScores) throws(FileError) -> [Int] {
    guard case .integers(let labels, _, _) = try NPYArray(contentsOf: path) else {
      throw FileError(path: path, reason: "labels are integers; convert with numpy.astype('<i8')")
    }
    guard scores.areOfClasses else {
      throw FileError(
        path: arguments.model,
        reason: "its first output is a map, of which labels say nothing: give --against alone")
    }
    guard labels.count == scores.count else {
      throw FileError(path: path, reason: "\(labels.count) labels for \(scores.count) images")
    }
    if let place = labels.firstIndex(where: { !(0..<scores.classes).contains($0) }) {
      throw FileError(
        path: path, reason: "label \(place) is \(labels[place]), the model has \(scores.classes) classes")
    }
    return labels
  }
}
