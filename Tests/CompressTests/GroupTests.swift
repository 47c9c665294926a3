import Decompose
import Forms
import LinearAlgebra
import Tensors
import TestSupport
import Testing

@testable import Compress

/// Grouped layers: every group is factored for itself, at ranks and with an error that all share.
@Suite struct GroupTests {
  private let groups = 2
  /// Two groups of 8 outputs and 6 inputs, the first of much more energy and of lower rank.
  private let kernel: Tensor<Float> = {
    var generator = SeededGenerator(seed: 191)
    let first = Tensor<Float>.random([8, 1, 3, 3], using: &generator)
    let second = Tensor<Float>.random([8, 6, 3, 3], using: &generator)
    return Tensor(shape: [16, 6, 3, 3]) { values in
      for t in 0..<8 {
        for s in 0..<6 {
          for tap in 0..<9 {
            let noise = 0.05 * second[t, s, 2 - tap / 3, tap % 3]
            values[(t * 6 + s) * 9 + tap] = 3 * (first[t, 0, tap / 3, tap % 3] * Float(s + 1) + noise)
            values[((t + 8) * 6 + s) * 9 + tap] = 0.5 * second[t, s, tap / 3, tap % 3]
          }
        }
      }
    }
  }()

  /// The kernel that the three stages of Tucker-2 compute together, group by group.
  private func reconstruction(_ factors: LayerFactors) -> [Double] {
    let (input, core, output) = (factors.weights[0], factors.weights[1], factors.weights[2])
    let (r1, r2) = (core.shape[0] / groups, core.shape[1])
    var result = [Double](repeating: 0, count: kernel.count)
    for t in 0..<16 {
      let group = t / 8
      for s in 0..<6 {
        for tap in 0..<9 {
          var sum = 0.0
          for a in 0..<r1 {
            for b in 0..<r2 {
              sum +=
                Double(output[t, a, 0, 0]) * Double(core[group * r1 + a, b, tap / 3, tap % 3])
                * Double(input[group * r2 + b, s, 0, 0])
            }
          }
          result[(t * 6 + s) * 9 + tap] = sum
        }
      }
    }
    return result
  }

  /// The singular values that HOSVD leaves out, squared and summed over both modes of all groups, as a part of the whole.
  private func discardedEnergy(outputRank: Int, inputRank: Int) throws -> Double {
    var sum = 0.0
    for group in 0..<groups {
      let own = Tensor(kernel.view.sliced(axis: 0, (group * 8)..<((group + 1) * 8)))
      for (mode, rank) in [(1, outputRank), (2, inputRank)] {
        let unfolding = own.converted(to: Double.self).unfolded(mode: mode)
        sum += try unfolding.singularValues().dropFirst(rank).reduce(0) { $0 + $1 * $1 }
      }
    }
    return sum / kernel.squaredNorm
  }

  private var layer: MeasuredLayer {
    MeasuredLayer(names: ["grouped"], kernel: kernel.shape, groups: groups, isTransposed: false, uses: nil)
  }

  @Test(arguments: [(1, 1), (4, 3), (7, 6)])
  func theErrorIsThatOfAllGroupsTogether(outputRank: Int, inputRank: Int) throws {
    let analysis = try LayerAnalysis(kernel, layer, kind: .tucker2, error: WeightError())
    let form = FactoredForm.tucker2(outputRank: outputRank, inputRank: inputRank)
    let factors = try analysis.factors(
      form, type: .float32, choice: FormatChoice(.original, opset: 17, slow: []), foldedScale: nil)
    var (difference, total) = (0.0, 0.0)
    for (value, found) in zip(kernel.elements, reconstruction(factors)) {
      difference += (Double(value) - found) * (Double(value) - found)
      total += Double(value) * Double(value)
    }
    let error = (difference / total).squareRoot()
    // The certificates are summed from reconstructions in Float: an epsilon for each term of the sum.
    #expect(abs(factors.relativeError - error) <= Double(outputRank + inputRank) * Double(Float.ulpOfOne))
    // Energies are those of Gram matrices in Double, as a part of that of the kernel in bases that are rounded to Float.
    let discarded = try discardedEnergy(outputRank: outputRank, inputRank: inputRank)
    let rounding = Double(8 + 6) * Double(Float.ulpOfOne) * discarded
    #expect(abs(factors.errorBound * factors.errorBound - discarded) <= rounding)
    #expect(error <= discarded.squareRoot() + Double(8 + 6) * Double(Float.ulpOfOne))
    // The candidates' errors are those of HOSVD: not less than HOOI's, not more than its bound.
    let candidate = try #require(try analysis.candidates(multiple: 1).first { $0.form == form })
    #expect(candidate.relativeError >= error * (1 - 1e-3))
    #expect(candidate.relativeError <= factors.errorBound * (1 + 1e-3) + 1e-6)
  }

  /// The ranks are those of the group that needs the most.
  @Test(arguments: [0.5, 0.9, 0.99])
  func ranksAreEnoughForEveryGroup(energy: Double) throws {
    let shared = try LayerAnalysis(kernel, layer, kind: .tucker2, error: WeightError()).ranks(energy: energy)
    var largest = [1, 1]
    for group in 0..<groups {
      let own = Tensor(kernel.view.sliced(axis: 0, (group * 8)..<((group + 1) * 8)))
      let ranks = try Tucker2Analysis(own).ranks(energy: energy)
      largest = [max(largest[0], ranks.output), max(largest[1], ranks.input)]
    }
    #expect(shared == largest)
    #expect(try Tucker2Analysis(Tensor(kernel.view.sliced(axis: 0, 0..<8))).ranks(energy: energy).input == 1)
    #expect(largest[1] > 1)
  }
}
