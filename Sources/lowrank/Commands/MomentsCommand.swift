import ArgumentParser
import CAllocator
import Compress
import ModelGraph
import ONNX
import Reports
import TensorFiles

/// `lowrank moments`
struct MomentsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "moments",
    abstract: "Sums up what a model's layers are given on some images, for compress --moments.",
    discussion: """
      Sums of several parts of the images add up, so that machines can share them out; in whatever parts, compress --moments \
      makes the same file to the last bit. They are of what the original network gives its layers, and of what its outputs \
      make of errors there: the compressed network's own inputs, which compress --calibrate fits to, are known only where that \
      network is made.

        lowrank moments model.onnx --images photos --part 1/2 -o a.safetensors
        lowrank moments model.onnx --images photos --part 2/2 -o b.safetensors
        lowrank compress model.onnx -o small.onnx --macs 0.5 --moments a.safetensors b.safetensors
      """)

  @Argument(help: "The ONNX model.", completion: .file(extensions: ["onnx"]))
  var model: String

  @Option(help: "X.npy with an input for each row, or a folder of PNG and JPEG files.")
  var images: String

  @Option(
    name: [.short, .long], help: "The moments to write.", completion: .file(extensions: ["safetensors"]))
  var output: String

  @Option(help: "Look at this part of the images alone: 2/8 is the second of eight.")
  var part: ImagePart?

  @Option(help: "The images are a part of a larger set, and the first of them has this number there, from 0.")
  var first: Int?

  @Option(help: "The images of the whole set, where --images has a part of it only.")
  var total: Int?

  @Option(help: "Take this many of the images, spread over those given. (default: all)")
  var samples: Int?

  @OptionGroup var layerOptions: LayerArguments

  @OptionGroup var preparation: ImageArguments

  func validate() throws {
    guard samples.map({ $0 >= 1 }) ?? true else { throw ValidationError("--samples is at least 1.") }
    guard (first == nil) == (total == nil) else {
      throw ValidationError("--first and --total go together: where the images lie in the whole set.")
    }
    guard first == nil || (part == nil && samples == nil) else {
      throw ValidationError(
        "--first and --total say which images these are; --part and --samples choose among all.")
    }
    guard first.map({ $0 >= 0 }) ?? true, total.map({ $0 >= 1 }) ?? true else {
      throw ValidationError("--first is at least 0, --total at least 1.")
    }
  }

  func run() throws {
    var outputs = try OutputSet(reading: [model, images], writing: [.init("-o", output)])
    // As `compress` does: large blocks are used for a moment only.
    allocator_return_blocks(1 << 20)
    let graph = try ModelGraph(onnx: model)
    for path in graph.externalFiles { try outputs.add(input: path) }
    let samples = try chosen(ImageSource(images, preparation), for: graph)
    let bar = ProgressBar()
    defer { bar.finish() }
    let seen = try graph.writeMoments(
      of: samples, sampling: sampling, layerOptions.options, to: output, in: &outputs.files
    ) { bar.show($0) }
    bar.finish()
    let last = samples.first + samples.inputs.count - 1
    try outputs.finish(
      printing:
        "\(seen.layers) layers at \(grouped(seen.positions)) positions of inputs \(samples.first) to \(last)"
        + " of \(samples.total)\n\(output) written")
  }

  /// The samples of the part that is asked for.
  private func chosen(_ source: ImageSource, for model: ModelGraph) throws -> CalibrationSamples {
    if let first, let total {
      guard source.count <= total - first else {
        throw FileError(
          path: images,
          reason:
            "\(source.count) images from number \(first) on are not among \(total): look at --first and --total"
        )
      }
      return try CalibrationSamples(
        source, of: model, named: images, places: 0..<source.count, first: first, total: total)
    }
    let count = min(samples ?? source.count, source.count)
    let range = part?.range(of: count) ?? 0..<count
    guard !range.isEmpty else {
      throw FileError(path: images, reason: "\(count) images are too few for the parts that --part asks for")
    }
    return try CalibrationSamples(
      source, of: model, named: images, places: range.map { $0 * source.count / count },
      first: range.lowerBound, total: count)
  }

  /// What has to be the same in files that are to add up.
  private var sampling: String {
    let resize =
      switch preparation.resize {
      case nil: "no"
      case .fit: "fit"
      case .size(let width, let height): "\(width)x\(height)"
      }
    return
      "mean \(preparation.mean.defaultValueDescription), scale \(preparation.scale.defaultValueDescription), "
      + "\(preparation.colors), resize \(resize), batch normalization \(layerOptions.foldBatchNorm ? "folded" : "left")"
  }
}

/// `2/8`
struct ImagePart: ExpressibleByArgument {
  private let place: Int
  private let parts: Int

  init?(argument: String) {
    let numbers = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard numbers.count == 2, numbers[1] >= 1, numbers[1] <= 1 << 16, (1...numbers[1]).contains(numbers[0])
    else { return nil }
    (place, parts) = (numbers[0], numbers[1])
  }

  /// Its images: parts differ by one at most.
  func range(of count: Int) -> Range<Int> { ((place - 1) * count / parts)..<(place * count / parts) }
}
