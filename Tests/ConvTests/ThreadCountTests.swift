@testable import Conv
import Foundation
import LinearAlgebra
import Tensors
import TestSupport
import Testing

/// What plans and results say of threads is what runs.
@Suite struct ThreadCountTests {
  private func plan<E: LapackScalar>(
    _: E.Type, channels: Int = 32, side: Int = 24, kernel: [Int] = [3, 3], groups: Int = 1,
    batch: Int = 1, activation: Activation = .none, _ options: ConvolutionOptions
  ) throws -> (plan: ConvolutionPlan<E>, input: Tensor<E>) {
    var cases = GeneratedCases(seed: 420)
    let geometry = try ConvolutionGeometry(
      batch: batch, kernelShape: Shape([channels, channels / groups] + kernel),
      inputExtents: kernel.map { _ in side }, paddingBefore: kernel.map { $0 / 2 },
      paddingAfter: kernel.map { $0 / 2 }, groups: groups)
    let weights: Tensor<E> = cases.tensor(geometry.kernelShape)
    let bias: Tensor<E> = cases.tensor([channels])
    return (
      ConvolutionPlan(geometry, kernel: weights, bias: bias, activation: activation, options: options),
      cases.tensor(geometry.inputShape)
    )
  }

  private func threads<E: LapackScalar>(_ plan: ConvolutionPlan<E>, _ input: Tensor<E>) -> Int {
    var workspace = plan.makeWorkspace()
    var output = Tensor<E>(shape: plan.outputShape)
    return input.withSpan { input in
      output.withMutableSpan {
        plan.runCountingThreads(input: input, output: &$0, workspace: &workspace)
      }
    }
  }

  @Test(arguments: [1, 2, 3, 5, 64, 1000])
  func aRunTakesTheThreadsThatThePlanSays(asked: Int) throws {
    let (fused, input) = try plan(Float.self, ConvolutionOptions(threads: asked))
    // Rows of tiles, or the columns, are shared.
    let tile = fused.winogradForm(ofStage: 0)?.tiles.height ?? 1
    #expect(fused.threadCount == min(asked, (24 + tile - 1) / tile) || fused.threadCount == min(asked, 64))
    #expect(threads(fused, input) == fused.threadCount)
    let (plain, doubles) = try plan(Double.self, ConvolutionOptions(threads: asked))
    #expect(plain.threadCount == min(asked, 24))
    #expect(threads(plain, doubles) == plain.threadCount)
  }

  /// Images of fewer rows than threads: whole ones, and parts of one, of several rows of tiles and of a single one.
  @Test(arguments: [2, 3, 4, 7])
  func threadsShareTheImagesOfABatch(count: Int) throws {
    for (side, kernel, batch) in [
      (1, [1, 1], 7), (5, [3, 3], 3), (9, [3, 3], 5), (2, [1], 9), (12, [5, 5], 2),
    ] {
      let (alone, input) = try plan(
        Float.self, side: side, kernel: kernel, batch: batch, ConvolutionOptions(threads: 1))
      let (shared, _) = try plan(
        Float.self, side: side, kernel: kernel, batch: batch, ConvolutionOptions(threads: count))
      #expect(shared.threadCount > 1 && threads(shared, input) == shared.threadCount)
      #expect(runGuarded(alone, input) == runGuarded(shared, input), "\(side) \(kernel) \(batch) \(count)")
      let slots = try #require(shared.banded).design.slots
      #expect(slots > 1, "the images are shared")
    }
  }

  /// Before, those who found the pool taken ran on one thread and said nothing.
  @Test func runsAtTheSameTimeAllTakeTheirThreads() async throws {
    let (plan, input) = try plan(Float.self, ConvolutionOptions(threads: 2))
    let (plain, _) = try self.plan(Float.self, ConvolutionOptions(backend: .blas, threads: 2))
    let expected = (plan.run(input), plain.run(input))
    let good = await withTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          let plan = task % 2 == 0 ? plan : plain
          return (0..<20).allSatisfy { _ in
            threads(plan, input) == 2 && plan.run(input) == (task % 2 == 0 ? expected.0 : expected.1)
          }
        }
      }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(good)
  }

  /// The path through BLAS: by outputs, positions, channels and groups, one image and three, with an activation.
  @Test(arguments: [2, 3, 5, 8])
  func threadsDoNotChangeTheResultOfBLASPlans(count: Int) throws {
    for (channels, side, kernel, groups) in [
      (16, 11, [3, 3], 1), (48, 7, [1, 1], 1), (96, 3, [1, 1], 1), (24, 9, [3, 3], 24), (24, 9, [5], 3),
      (6, 5, [3, 2, 3], 1), (40, 1, [], 1),
    ] {
      for batch in [1, 3] {
        for activation in [Activation.none, .clip(low: -0.5, high: 0.5)] {
          let (alone, input) = try plan(
            Double.self, channels: channels, side: side, kernel: kernel, groups: groups, batch: batch,
            activation: activation, ConvolutionOptions(threads: 1))
          let (shared, _) = try plan(
            Double.self, channels: channels, side: side, kernel: kernel, groups: groups, batch: batch,
            activation: activation, ConvolutionOptions(threads: count))
          #expect(shared.threadCount > 1)
          // Each element is the same sum; where the BLAS sums in another order for another number of columns, within the
          // roundings of its k products and bias, of numbers up to 1.
          let k = Double(alone.stages[0].kernelShape.count / channels + 1)
          let difference = largestDifference(
            runGuarded(alone, input), runGuarded(shared, input).converted(to: Double.self))
          #expect(difference <= k * k * Double.ulpOfOne, "\(alone.stages) \(count)")
        }
      }
    }
  }

  @Test func aBLASPlanPutsTheThreadCountBack() throws {
    let before = BLASLibrary.threadCount
    let (plan, input) = try plan(Double.self, ConvolutionOptions(threads: 2))
    _ = plan.run(input)
    #expect(BLASLibrary.threadCount == before)
  }

  #if os(Linux)
    /// In a process of its own, whose first caller is tied to one processor and waits for signals itself.
    @Test func workersUseTheProcessorsAndLeaveTheSignalsOfTheProgram() async {
      await #expect(processExitsWith: .success) {
        // A thread of its own, for those of Swift have other uses.
        await withCheckedContinuation { done in
          Thread.detachNewThread {
            Self.tieToFirstProcessor()
            if let geometry = try? ConvolutionGeometry(kernelShape: [8, 8, 3, 3], inputExtents: [16, 16]) {
              let plan = ConvolutionPlan<Float>(
                geometry, kernel: Tensor(shape: [8, 8, 3, 3]), options: ConvolutionOptions(threads: 2))
              _ = plan.run(Tensor(shape: geometry.inputShape))
            }
            done.resume()
          }
        }
        let workers = Self.statusOfWorkers()
        precondition(!workers.isEmpty, "no worker")
        for status in workers {
          // The process began with all processors of this test run, and signals 1 (HUP), 2 (INT), 10 (USR1), 15 (TERM).
          precondition(
            status["Cpus_allowed"] == Self.status("/proc/self/status")["Cpus_allowed"], "\(status)")
          let blocked = UInt64(status["SigBlk"] ?? "", radix: 16) ?? 0
          for signal in [1, 2, 10, 15] { precondition(blocked >> UInt64(signal - 1) & 1 == 1, "\(status)") }
          // A fault, 11, is reported where it happens.
          precondition(blocked >> 10 & 1 == 0, "\(status)")
        }
      }
    }

    /// `sched_setaffinity` for the calling thread, which Swift's module of the C library does not have.
    private static func tieToFirstProcessor() {
      typealias SetAffinity = @convention(c) (pid_t, Int, UnsafePointer<UInt64>) -> Int32
      guard let symbol = dlsym(nil, "sched_setaffinity") else { return }
      let set: [UInt64] = [1]
      precondition(unsafeBitCast(symbol, to: SetAffinity.self)(0, 8, set) == 0, "no processor 0")
    }

    private static func statusOfWorkers() -> [[String: String]] {
      let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
      return tasks.map { status("/proc/self/task/\($0)/status") }.filter { $0["Name"] == "lowrank-pool" }
    }

    private static func status(_ path: String) -> [String: String] {
      let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
      return Dictionary(
        text.split(separator: "\n").map { line in
          let parts = line.split(separator: ":", maxSplits: 1)
          return (String(parts[0]), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
        }, uniquingKeysWith: { first, _ in first })
    }
  #endif
}
