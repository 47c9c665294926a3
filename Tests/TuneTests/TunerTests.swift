import Foundation
import ModelGraph
import TensorFiles
import TestSupport
import Tensors
import Testing

@testable import Tune

/// Tuning as a whole, on small networks.
struct TunerTests {
  private func options(_ change: (inout TuneOptions) -> Void = { _ in }) -> TuneOptions {
    var options = TuneOptions()
    options.length = .epochs(12)
    options.batch = 8
    options.rate = 0.01
    options.seed = 3
    options.patience = 1000
    change(&options)
    return options
  }

  private func tuner(
    images: RandomImages = RandomImages(), _ change: (inout TuneOptions) -> Void = { _ in }
  ) throws -> Tuner {
    try Tuner(
      TinyNetwork.classifier(seed: 1, noise: 0.3), teacher: TinyNetwork.classifier(seed: 1), images: images,
      options: options(change))
  }

  @Test
  func lossFalls() throws {
    let result = try tuner().run()
    #expect(result.bestLoss < 0.2 * result.startLoss, "\(result.startLoss) to \(result.bestLoss)")
    #expect(result.end == .finished)
    #expect(Set(result.weights.keys) == ["w1", "b1", "w2", "w3", "b3"])
  }

  /// A network that is nearly there is not tossed out of what it has: rates are lowered until they do no harm, unless one is given.
  @Test
  func harmfulRatesAreLowered() throws {
    func losses(rate: Double?) throws -> (start: Double, seen: [Double]) {
      var seen: [Double] = []
      let result = try Tuner(
        TinyNetwork.classifier(seed: 1, noise: 1e-4), teacher: TinyNetwork.classifier(seed: 1),
        images: RandomImages(), options: options { $0.rate = rate }
      ).run(progress: { seen.append($0.heldBackLoss) })
      return (result.startLoss, seen)
    }
    let (own, given) = (try losses(rate: nil), try losses(rate: 3e-4))
    #expect(own.seen.allSatisfy { $0 < 2 * own.start }, "\(own)")
    #expect(given.seen.contains { $0 > 100 * given.start }, "\(given)")
  }

  @Test
  func stochasticGradientDescentFalls() throws {
    let result = try tuner {
      $0.optimiser = .sgd
      $0.rate = 0.02
      $0.accumulation = 2
    }.run()
    #expect(result.bestLoss < 0.5 * result.startLoss, "\(result.startLoss) to \(result.bestLoss)")
  }

  /// The mean over the batch does not depend on how it is cut in parts, up to rounding; to the bit it does not depend on threads.
  @Test
  func threadsChangeNothing() throws {
    let one = try tuner { $0.length = .epochs(2) }.run()
    let three = try tuner {
      $0.length = .epochs(2)
      $0.threads = 3
    }.run()
    #expect(one.weights == three.weights)
    #expect(one.bestLoss == three.bestLoss)
  }

  @Test
  func accumulationIsALargerBatch() throws {
    var losses: [Double] = []
    for (batch, accumulation) in [(8, 1), (4, 2)] {
      let tuner = try tuner {
        ($0.batch, $0.accumulation, $0.length) = (batch, accumulation, .epochs(2))
      }
      losses.append(try tuner.run().bestLoss)
    }
    // The same images in the same steps, whose sums are rounded in another order: some hundred roundings of 2^-24, which a few
    // steps of Adam, which divides by the size of gradients, blow up.
    #expect(abs(losses[0] - losses[1]) < 1e-3 * losses[0], "\(losses)")
  }

  /// A run that is stopped and goes on from its checkpoint ends with the weights of one that was not.
  @Test
  func checkpointsResume() throws {
    let folder = try TemporaryFolder()
    let whole = try tuner().run()
    let path = folder.path("state.safetensors")
    var steps = 0
    let first = try tuner { $0.checkpoint = path }.run(stops: {
      steps += 1
      return steps > 25
    })
    #expect(first.end == .stopped)
    let second = try tuner { $0.checkpoint = path }.run()
    #expect(second.weights == whole.weights)
    #expect(second.bestLoss == whole.bestLoss && second.steps == whole.steps)
  }

  /// How many images go at once is no matter of the loss: those that fill up the last part do not count.
  @Test
  func partsDoNotChangeTheLoss() throws {
    func loss(batch: Int) throws -> Double {
      let tuner = try tuner { $0.batch = batch }
      #expect(tuner.task.part == batch / 8 && tuner.task.split.heldBack.count == 4)
      return try tuner.task.heldBackLoss(tuner.task.startWeights)
    }
    let one = try loss(batch: 8)
    for batch in [24, 40] { #expect(abs(try loss(batch: batch) - one) < 1e-5 * one, "\(batch)") }
  }

  @Test
  func foreignCheckpointsAreRefused() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("state.safetensors")
    _ = try tuner { ($0.checkpoint, $0.length) = (path, .epochs(1)) }.run()
    #expect(throws: TuneError.self) {
      _ = try tuner { ($0.checkpoint, $0.length, $0.seed) = (path, .epochs(1), 4) }.run()
    }
  }

  /// A checkpoint that somebody damaged, with the right fingerprint: refused before anything goes by it.
  @Test
  func brokenCheckpointsAreRefused() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("state.safetensors")
    _ = try tuner { ($0.checkpoint, $0.length) = (path, .epochs(1)) }.run()
    let sound = try SafetensorsFile(contentsOf: path)
    let row = SafetensorsFile.Entry(.float(Tensor(shape: [7], repeating: 1)))
    let shape = try #require(sound.tensors["best/w2"]).tensor.shape
    let worthless = SafetensorsFile.Entry(.float(Tensor(shape: shape, repeating: .nan)))
    let edits: [(String, (inout SafetensorsFile) -> Void)] = [
      ("a weight of another shape", { $0.tensors["weight/w1"] = row }),
      ("a best weight of another shape", { $0.tensors["best/w1"] = row }),
      ("no best weight", { $0.tensors["best/b1"] = nil }),
      ("a best weight that is none", { $0.tensors["best/w2"] = worthless }),
      ("moments of another shape", { $0.tensors["first/w1"] = row }),
      ("second moments of another shape", { $0.tensors["second/w1"] = row }),
      ("no second moments", { $0.tensors["second/w1"] = nil }),
      ("a step behind the last", { $0.metadata["step"] = String(Int.max) }),
      ("a step before the first", { $0.metadata["step"] = "-1" }),
      ("steps beyond all bounds", { $0.metadata["steps"] = String(Int.max) }),
      ("more steps for blocks than in all", { $0.metadata["blockSteps"] = String(Int.max) }),
      ("evaluations beyond all bounds", { $0.metadata["stall"] = String(Int.max) }),
      ("an optimiser's steps beyond all bounds", { $0.metadata["steps/w1"] = String(Int.max) }),
      ("a best loss that is none", { $0.metadata["bestLoss"] = "7ff8000000000000" }),
      ("rates that grow", { $0.metadata["caution"] = "4090000000000000" }),
      ("no number", { $0.metadata["trainingLoss"] = "x" }),
    ]
    for (what, edit) in edits {
      var broken = sound
      edit(&broken)
      try broken.write(to: path)
      #expect(throws: TuneError.self, "\(what)") {
        _ = try tuner { ($0.checkpoint, $0.length) = (path, .epochs(1)) }.run()
      }
    }
    try sound.write(to: path)
    _ = try tuner { ($0.checkpoint, $0.length) = (path, .epochs(1)) }.run()
  }

  /// Rates at which every step blows up leave the weights at the start.
  @Test
  func blownUpRatesAreNoLoss() throws {
    let result = try tuner {
      $0.rate = 1e30
      $0.optimiser = .sgd
    }.run()
    #expect(result.end == .blewUp)
    #expect(result.bestLoss <= result.startLoss)
    #expect(result.bestLoss.isFinite)
  }

  /// A start that is nearly perfect is soon left by a thousand times its loss, and no step has blown up for that.
  @Test(arguments: [LossKind.divergence, .meanSquare], [0, 1e-5] as [Float])
  func nearlyPerfectStartsAreNoBlowUp(loss: LossKind, noise: Float) throws {
    func run(_ change: (inout TuneOptions) -> Void = { _ in }) throws -> (TuningResult, worst: Double) {
      var worst = 0.0
      let tuner = try Tuner(
        TinyNetwork.classifier(seed: 1, noise: noise), teacher: TinyNetwork.classifier(seed: 1),
        images: RandomImages(), loss: loss, options: options(change))
      let result = try tuner.run { worst = max(worst, $0.heldBackLoss) }
      return (result, worst)
    }
    let (result, worst) = try run()
    #expect(worst > 100 * result.startLoss)
    #expect(result.end == .finished, "\(result.startLoss), \(worst)")
    #expect(result.bestLoss <= result.startLoss)
    // Steps that forget everything are still seen.
    let (blownUp, _) = try run {
      $0.rate = 1e30
      $0.optimiser = .sgd
    }
    #expect(blownUp.end == .blewUp && blownUp.bestLoss <= blownUp.startLoss)
  }

  /// The loss of answering alike: one variance, or the logarithm of the classes but for what the teacher leaves open.
  @Test
  func ignoranceIsMeasured() throws {
    func ignorance(_ loss: LossKind, labels: [Int]? = nil) throws -> Double {
      try Tuner(
        TinyNetwork.classifier(seed: 1, noise: 0.3), teacher: TinyNetwork.classifier(seed: 1),
        images: RandomImages(), labels: labels, loss: loss, options: options { $0.temperature = 1 }
      ).task.ignorantLoss
    }
    #expect(try ignorance(.meanSquare) == 1)
    let alike = try ignorance(.divergence)
    #expect(alike > 0 && alike < log(3))
    let labelled = try ignorance(.divergence, labels: [Int](repeating: 0, count: 40))
    // Two roundings of 2^-53.
    #expect(abs(labelled - alike - log(3)) < 1e-15 * 8)
    let target = Tensor<Float>(shape: [2, 4], elements: [50, 0, 0, 0, 0, 0, 50, 0])
    let certain = LossFunctions.ofEqualClasses(target, hasLabels: false, temperature: 1, share: 0.5)
    #expect(abs(certain - 0.5 * log(4)) < 1e-12)
  }

  /// What cannot get better ends before its schedule does, and not before rates are low.
  @Test
  func whatGetsNoBetterEndsEarly() throws {
    var curve: [Int] = []
    // Steps that rounding swallows.
    let result = try tuner { ($0.length, $0.patience, $0.rate) = (.epochs(20), 4, 1e-12) }
      .run { curve.append($0.step) }
    #expect(result.end == .noBetter && result.weights.isEmpty)
    // 90 steps with an evaluation each: rates are a quarter and less from the 62nd on, and the fifth of those is one too many.
    #expect(curve == Array(1...66))
  }

  /// An evaluation that is worse ends nothing while rates are high: what they toss about, the low ones at the end put right.
  @Test
  func highRatesDoNotEndARun() throws {
    var curve: [TuningProgress] = []
    let result = try tuner { ($0.length, $0.patience, $0.rate) = (.epochs(20), 0, 0.05) }
      .run { curve.append($0) }
    let worse = curve.first { $0.heldBackLoss > $0.bestLoss }?.step ?? 90
    #expect(worse < 30, "\(curve)")
    #expect(result.end == .noBetter && result.steps >= 62, "\(curve)")
  }

  @Test
  func labelsAreLearnt() throws {
    let labels = (0..<40).map { $0 % 3 }
    let tuner = try Tuner(
      TinyNetwork.classifier(seed: 1, noise: 0.3), teacher: TinyNetwork.classifier(seed: 1),
      images: RandomImages(), labels: labels, options: options())
    let result = try tuner.run()
    #expect(result.bestLoss < result.startLoss)
  }

  @Test
  func brokenImagesAreNamed() throws {
    do throws(TuneError) {
      _ = try Tuner(
        TinyNetwork.classifier(seed: 1, noise: 0.3), teacher: TinyNetwork.classifier(seed: 1),
        images: RandomImages(broken: 7), options: options()
      ).run()
      Issue.record("a NaN was taken")
    } catch { #expect("\(error)".contains("image 7"), "\(error)") }
  }

  @Test
  func teachersOfOtherOutputsAreRefused() throws {
    let teacher = TinyNetwork.model(
      nodes: [Node(name: "only", opType: "Flatten", inputs: ["image"], outputs: ["scores"])], constants: [])
    do throws(TuneError) {
      _ = try Tuner(
        TinyNetwork.classifier(seed: 1), teacher: teacher, images: RandomImages(), options: options())
      Issue.record("a teacher of other outputs was taken")
    } catch { #expect("\(error)".contains("'scores'"), "\(error)") }
  }

  /// Networks that cannot be run backward, or have nothing to be tuned, are refused with the node or the reason.
  @Test
  func networksWithoutGradientsAreRefused() throws {
    func refusal(_ model: ModelGraph) -> String {
      do throws(TuneError) {
        _ = try Tuner(model, teacher: model, images: RandomImages(), options: options())
        return ""
      } catch { return "\(error)" }
    }
    var model = TinyNetwork.classifier(seed: 1)
    model.main.nodes.append(Node(name: "last", opType: "Hardmax", inputs: ["scores"], outputs: ["hard"]))
    model.main.outputs = [ValueInfo(name: "hard")]
    #expect(refusal(model).hasPrefix("node 'last' (Hardmax): there is no gradient for this operator"))
    let flat = TinyNetwork.model(
      nodes: [Node(name: "only", opType: "Flatten", inputs: ["image"], outputs: ["scores"])], constants: [])
    #expect(refusal(flat) == "no weight of the network can be tuned")
    // A weight that a node makes longer is no constant, and would stay as it is.
    var stored = TinyNetwork.classifier(seed: 1)
    let weight = try #require(stored.main.constants["w2"])
    stored.main.constants["w2"] = nil
    let values = try #require(try weight.floats())
    stored.main.constants.append(Constant(name: "half", values, type: .float16))
    stored.main.nodes.insert(
      Node(
        name: "longer", opType: "Cast", inputs: ["half"], outputs: ["w2"],
        attributes: [Attribute("to", .int(1))]), at: 0)
    #expect(refusal(stored).hasPrefix("the weight 'half' is stored as float16"), "\(refusal(stored))")
  }

  @Test
  func memoryLimitsAreKept() throws {
    #expect(throws: TuneError.self) { _ = try tuner { $0.memoryLimit = 100 } }
    let plenty = try tuner { $0.threads = 2 }
    #expect(plenty.task.memory.partsAtOnce == 2)
    // One byte less than it takes: something gives way, but not results.
    let less = try tuner { ($0.threads, $0.memoryLimit) = (2, plenty.task.memory.byteCount - 1) }
    #expect(less.task.memory.byteCount < plenty.task.memory.byteCount)
    #expect(less.task.part == plenty.task.part)
    #expect(try less.run().weights == plenty.run().weights)
  }

  /// Images that are held back are never tuned on, and each other one is taken once an epoch.
  @Test
  func splitsAreClean() throws {
    let split = try ImageSplit(20, views: 3, options())
    #expect(split.heldBack.count == 9 && split.training.count == 51)
    let held = Set(split.heldBack.map { $0 % 20 })
    #expect(split.training.allSatisfy { !held.contains($0 % 20) })
    let epoch = (0..<3).flatMap { split.images(ofStep: $0, count: 17, seed: 1) }
    #expect(epoch.sorted() == split.training)
  }
}
