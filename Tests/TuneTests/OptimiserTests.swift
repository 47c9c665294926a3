import Foundation
import Gradients
import ModelGraph
import Tensors
import Testing

@testable import Tune

/// Losses, optimisers, schedules and balanced factors, against their definitions in Double.
struct OptimiserTests {
  @Test(arguments: Optimiser.allCases)
  func stepsFollowTheirDefinition(optimiser: Optimiser) {
    var generator = SeededGenerator(seed: 4)
    var weight = generator.tensor([5], of: Float.self)
    var moments = Moments([5], optimiser)
    var (w, m, v) = (
      weight.elements.map(Double.init), [Double](repeating: 0, count: 5), [Double](repeating: 0, count: 5)
    )
    let (rate, decay) = (0.03125, 0.125)
    for t in 1...4 {
      let gradient = generator.tensor([5], of: Float.self)
      optimiser.update(&weight, gradient, &moments, rate: rate, decay: decay)
      for (i, g) in gradient.elements.map(Double.init).enumerated() {
        switch optimiser {
        case .adam:
          m[i] = 0.9 * m[i] + 0.1 * g
          v[i] = 0.999 * v[i] + 0.001 * g * g
          let (a, b) = (m[i] / (1 - pow(0.9, Double(t))), v[i] / (1 - pow(0.999, Double(t))))
          w[i] -= rate * (a / (b.squareRoot() + 1e-8) + decay * w[i])
        case .sgd:
          let d = g + decay * w[i]
          m[i] = 0.9 * m[i] + d
          w[i] -= rate * (d + 0.9 * m[i])
        }
      }
    }
    // Four steps of some ten roundings to 2^-24 of numbers up to 1.
    #expect(zip(weight.elements, w).allSatisfy { abs(Double($0) - $1) < 1e-5 }, "\(weight.elements) \(w)")
  }

  @Test
  func schedulesRiseAndFall() {
    let schedule = Schedule(peak: 2, steps: 100)
    let rates = (0..<100).map(schedule.rate)
    #expect(rates[0] == 0.4 && rates[4] == 2 && abs(rates[5] - 2) < 1e-12)
    #expect(zip(rates[5...], rates[6...]).allSatisfy { $0 > $1 } && rates[99] < 0.03 && rates[99] >= 0.02)
    // Late is where rates are a quarter of the peak for good: not while they rise.
    #expect((0...100).filter(schedule.isLate) == (5...100).filter { schedule.rate($0) <= 0.5 })
    #expect(!schedule.isLate(68) && schedule.isLate(69))
  }

  /// The gradients of the losses against central differences of their values.
  @Test
  func lossGradients() {
    var generator = SeededGenerator(seed: 2)
    let (y, target) = (generator.tensor([3, 4], of: Float.self), generator.tensor([3, 4], of: Float.self))
    let losses: [(Tensor<Float>) -> LossValue] = [
      { LossFunctions.meanSquare($0, target: TargetView(target), weight: 0.5) },
      { LossFunctions.divergence($0, target: TargetView(target), temperature: 2, weight: 0.5) },
      { LossFunctions.crossEntropy($0, labels: [0, 3, 2], weight: 0.5) },
    ]
    for loss in losses {
      let gradient = loss(y).gradient.elements
      for i in 0..<12 {
        // Steps that Float holds exactly beside numbers up to 1; the losses are sums in Double of Float's differences.
        let step: Float = 0x1p-8
        var (up, down) = (y, y)
        up.withMutableSpan { $0[i] += step }
        down.withMutableSpan { $0[i] -= step }
        let slope = (loss(up).loss - loss(down).loss) / (2 * Double(step))
        // The third derivatives, of at most some units, times step^2 / 6.
        #expect(abs(slope - Double(gradient[i])) < 2e-5, "\(slope) \(gradient[i])")
      }
    }
  }

  @Test
  func divergenceOfEqualRowsIsNothing() {
    let y = Tensor<Float>(shape: [1, 3], elements: [1000, -1000, 3])
    let value = LossFunctions.divergence(y, target: TargetView(y), temperature: 1, weight: 1)
    #expect(value.loss == 0 && value.gradient.elements == [0, 0, 0])
  }

  /// Balanced CP stages compute what they did, with equal norms on both sides of each channel.
  @Test
  func factorsAreBalanced() throws {
    var generator = SeededGenerator(seed: 8)
    var names = ["p", "d", "q"]
    let shapes: [Shape] = [[3, 2, 1, 1], [3, 1, 3, 3], [4, 3, 1, 1]]
    let constants = zip(names, shapes).map {
      Constant(name: $0, generator.tensor($1, of: Float.self).mapped { 4 * $0 }, type: .float32)
    }
    names.insert("image", at: 0)
    let model = TinyNetwork.model(
      nodes: [
        Node(opType: "Conv", inputs: ["image", "p"], outputs: ["a"]),
        Node(opType: "Conv", inputs: ["a", "d"], outputs: ["b"], attributes: [Attribute("group", .int(3))]),
        Node(opType: "Conv", inputs: ["b", "q"], outputs: ["scores"]),
      ], constants: constants, channels: 2)
    let graph = try DifferentiableGraph(model, inputShape: [1, 2, 5, 5])
    var weights = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.start) })
    weights["p"] = weights["p"]?.mapped { 100 * $0 }
    let x = generator.tensor([1, 2, 5, 5], of: Float.self)
    let before = try #require(try graph.forward(x, graph.prepare(weights))["scores"]?.floats)
    for _ in 0..<20 { FactorBalance(graph).apply(to: &weights) }
    let after = try #require(try graph.forward(x, graph.prepare(weights))["scores"]?.floats)
    // Sums of 54 products rounded to 2^-24 each, of either weights.
    let size = before.elements.reduce(0) { max($0, abs($1)) }
    #expect(zip(before.elements, after.elements).allSatisfy { abs($0 - $1) < 2e-5 * size })
    let (p, d, q) = (try #require(weights["p"]), try #require(weights["d"]), try #require(weights["q"]))
    for r in 0..<3 {
      func norm(_ x: Tensor<Float>, _ places: [Int]) -> Double {
        places.reduce(0) { $0 + Double(x.elements[$1]) * Double(x.elements[$1]) }.squareRoot()
      }
      let norms = [
        norm(p, [2 * r, 2 * r + 1]), norm(d, Array(9 * r..<9 * r + 9)), norm(q, [r, 3 + r, 6 + r, 9 + r]),
      ]
      // Each pass takes a part of what is left: 20 of them leave less than rounding.
      #expect(norms.allSatisfy { abs($0 / norms[0] - 1) < 1e-4 }, "\(norms)")
    }
  }
}
