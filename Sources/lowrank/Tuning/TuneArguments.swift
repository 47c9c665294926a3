import ArgumentParser
import Tune

extension LossKind: ExpressibleByArgument {}
extension Optimiser: ExpressibleByArgument {}

/// How a network is tuned.
struct TuneArguments: ParsableArguments {
  @Option(help: "About how long to tune. (default: 5, without --epochs)")
  var minutes: Double?

  @Option(help: "Instead of minutes: how often over all images.")
  var epochs: Int?

  @Option(help: "Images a step. (default: 8 where maps are matched, else 32)") var batch: Int?

  @Option(help: "Batches whose gradients are added up for a step.") var accumulate = 1

  @Option(help: "What random choices come from.") var seed: UInt64 = 0

  @Option(
    help:
      "The loss of the outputs: mse for maps and features, kl for classes. (default: by the shape of the outputs)"
  )
  var loss: LossKind?

  @Option(help: "The temperature of kl.") var temperature = 4.0

  @Option(help: "How weights follow their gradients.") var optimiser = Optimiser.adam

  @Option(
    help:
      "The largest learning rate, 0.3 of it after blocks. (default: 0.001 for adam, 0.01 for sgd, and 0.3 of that for the whole network, less where a few steps of it do harm)"
  )
  var rate: Double?

  @Option(help: "What each step takes off kernels and matrices, times the learning rate.") var decay = 0.0

  @Option(help: "The part of the images that is held back to judge by.") var heldBack = 0.1

  @Option(help: "The part of the steps in which each block learns by itself, where blocks are found.")
  var blocks = 0.3

  @Option(
    help:
      "What hints weigh beside the outputs: what factored layers make, behind their activations. 1 helps where images are many."
  )
  var hints = 0.0

  @Option(help: "Threads that share a step; results do not depend on them.") var threads = 1

  @Option(help: "The most MiB that the maps of a step and their gradients take.") var memory = 4096

  @Option(
    help:
      "A file that the state is kept in while it runs: given again, a run that was stopped goes on from it.",
    completion: .file(extensions: ["safetensors"]))
  var checkpoint: String?

  func validate() throws {
    try requireThreads(threads)
    guard minutes == nil || epochs == nil else {
      throw ValidationError("Give --minutes or --epochs, not both.")
    }
    guard minutes.map({ $0 > 0 && $0 <= 100_000 }) ?? true,
      epochs.map({ (1...1_000_000).contains($0) }) ?? true
    else { throw ValidationError("--minutes and --epochs are over 0.") }
    guard batch.map({ (1...1 << 16).contains($0) }) ?? true, (1...1 << 16).contains(accumulate) else {
      throw ValidationError("--batch and --accumulate lie between 1 and 65536.")
    }
    guard temperature > 0, temperature.isFinite, rate.map({ $0 > 0 && $0.isFinite }) ?? true, decay >= 0,
      decay.isFinite
    else { throw ValidationError("--temperature and --rate are over 0, --decay is not under it.") }
    guard heldBack > 0, heldBack < 1, (0...1).contains(blocks) else {
      throw ValidationError("--held-back lies between 0 and 1, --blocks from 0 to 1.")
    }
    guard hints >= 0, hints.isFinite else {
      throw ValidationError("--hints is not under 0.")
    }
    guard (1...1 << 24).contains(memory) else { throw ValidationError("--memory is at least 1 MiB.") }
  }

  var memoryLimit: Int { memory << 20 }

  /// The options of the library.
  var options: TuneOptions {
    var options = TuneOptions()
    options.length = epochs.map { .epochs($0) } ?? .minutes(minutes ?? 5)
    (options.batch, options.accumulation, options.seed) = (batch, accumulate, seed)
    (options.temperature, options.optimiser, options.rate) = (temperature, optimiser, rate)
    (options.decay, options.heldBack, options.blockShare) = (decay, heldBack, blocks)
    options.hintWeight = hints
    (options.threads, options.memoryLimit, options.checkpoint) = (threads, memoryLimit, checkpoint)
    return options
  }
}

/// Which looks at images a network is tuned on.
struct LookArguments: ParsableArguments {
  @Option(
    help:
      "Squares of so many pixels at random places, for networks that take images of any size; 0 for whole images. (default: 64 for files that differ in size)"
  )
  var crop: Int?

  @Flag(
    inversion: .prefixedNo,
    help:
      "Turn and mirror images at random: right for photographs, wrong for characters. (default: with crops)")
  var flips: Bool?

  func validate() throws {
    guard crop.map({ (0...1 << 15).contains($0) }) ?? true else {
      throw ValidationError("--crop lies between 0 and 32768.")
    }
  }
}
