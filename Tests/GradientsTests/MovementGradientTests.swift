import Foundation
import ModelGraph
import Tensors
import Testing

@testable import Gradients

/// Gradients of windows, movements, resampling and reductions against finite differences in Double.
struct MovementGradientTests {
  @Test(arguments: [false, true])
  func maximumPools(roundsUp: Bool) throws {
    let attributes = [
      Attribute("kernel_shape", .ints([3, 2])), Attribute("strides", .ints([2, 2])),
      Attribute("pads", .ints([1, 1, 0, 1])), Attribute("ceil_mode", .int(roundsUp ? 1 : 0)),
    ]
    try GradientCase("MaxPool", attributes, inputs: [[2, 3, 7, 6]]) { x in
      poolWindows(x[0], kernel: [3, 2], stride: [2, 2], before: [1, 1], after: [0, 1], roundsUp: roundsUp).map
      {
        $0.inside.max() ?? 0
      }
    }.check(seed: 1)
  }

  @Test
  func theFirstOfEqualElementsIsTheMaximum() throws {
    let pool = GradientCase(
      "MaxPool", [Attribute("kernel_shape", .ints([2, 2])), Attribute("strides", .ints([1, 2]))],
      inputs: [[1, 1, 3, 4]]
    ) { _ in [1, 1, 1, 1] }
    let gradient = try pool.run([Tensor(shape: [1, 1, 3, 4], repeating: 1)], [2, 3, 5, 7]).gradients[0]
    #expect(gradient?.elements == [2, 0, 3, 0, 5, 0, 7, 0, 0, 0, 0, 0])
  }

  @Test(arguments: [(false, false), (false, true), (true, false), (true, true)])
  func meanPools(roundsUp: Bool, countsPadding: Bool) throws {
    let attributes = [
      Attribute("kernel_shape", .ints([3, 2])), Attribute("strides", .ints([2, 2])),
      Attribute("pads", .ints([1, 1, 0, 1])), Attribute("ceil_mode", .int(roundsUp ? 1 : 0)),
      Attribute("count_include_pad", .int(countsPadding ? 1 : 0)),
    ]
    try GradientCase("AveragePool", attributes, inputs: [[2, 3, 7, 6]]) { x in
      poolWindows(x[0], kernel: [3, 2], stride: [2, 2], before: [1, 1], after: [0, 1], roundsUp: roundsUp).map
      {
        $0.inside.reduce(0, +) / Double(countsPadding ? $0.covered : $0.inside.count)
      }
    }.check(seed: 1)
  }

  @Test
  func globalPools() throws {
    for (opType, seed) in [("GlobalAveragePool", UInt64(1)), ("GlobalMaxPool", 2)] {
      try GradientCase(opType, inputs: [[2, 3, 4, 5]]) { x in
        (0..<6).map { map in
          let part = x[0].elements[map * 20..<(map + 1) * 20]
          return opType == "GlobalMaxPool" ? part.max() ?? 0 : part.reduce(0, +) / 20
        }
      }.check(seed: seed)
    }
  }

  @Test
  func shapes() throws {
    try GradientCase("Flatten", [Attribute("axis", .int(1))], inputs: [[2, 3, 4]]) { $0[0].elements }.check(
      seed: 1)
    try GradientCase("Reshape", inputs: [[2, 3, 4]], constants: [Constant(name: "s", [4, 6])]) {
      $0[0].elements
    }
    .check(seed: 2)
    try GradientCase("Unsqueeze", inputs: [[2, 3]], constants: [Constant(name: "a", [1])]) { $0[0].elements }
      .check(seed: 3)
    try GradientCase("Squeeze", inputs: [[2, 1, 3]], constants: [Constant(name: "a", [1])]) { $0[0].elements }
      .check(seed: 4)
    try GradientCase("Identity", inputs: [[2, 3]]) { $0[0].elements }.check(seed: 5)
  }

  @Test
  func transpositions() throws {
    try GradientCase("Transpose", [Attribute("perm", .ints([2, 0, 1]))], inputs: [[2, 3, 4]]) {
      $0[0].permuted([2, 0, 1]).elements
    }.check(seed: 1)
  }

  @Test
  func slices() throws {
    let bounds = [
      Constant(name: "starts", [3, 0]), Constant(name: "ends", [-10, 3]), Constant(name: "axes", [2, 1]),
      Constant(name: "steps", [-1, 2]),
    ]
    try GradientCase("Slice", inputs: [[2, 3, 4]], constants: bounds) { x in
      (0..<16).map { x[0].elementAt($0 / 8 * 12 + $0 / 4 % 2 * 2 * 4 + 3 - $0 % 4) }
    }.check(seed: 1)
    try GradientCase(
      "Split", [Attribute("axis", .int(1))], inputs: [[2, 5]], constants: [Constant(name: "s", [2, 3])],
      outputs: 2
    ) { x in [0, 1, 5, 6, 2, 3, 4, 7, 8, 9].map { x[0].elementAt($0) } }.check(seed: 2)
  }

  @Test
  func concatenations() throws {
    try GradientCase("Concat", [Attribute("axis", .int(1))], inputs: [[2, 2, 3], [2, 1, 3], [2, 3, 3]]) { x in
      (0..<2).flatMap { n in
        x.flatMap { part in
          let size = part.count / 2
          return Array(part.elements[n * size..<(n + 1) * size])
        }
      }
    }.check(seed: 1)
  }

  @Test(arguments: ["constant", "reflect", "edge"])
  func paddings(mode: String) throws {
    var constants = [Constant(name: "pads", [0, 1, 0, 2])]
    if mode == "constant" {
      constants.append(Constant(name: "v", Tensor(shape: [], repeating: 2.5), type: .float32))
    }
    try GradientCase("Pad", [Attribute("mode", text: mode)], inputs: [[2, 4]], constants: constants) { x in
      (0..<14).map { place in
        let (row, column) = (place / 7, place % 7 - 1)
        switch mode {
        case "constant": return (0..<4).contains(column) ? x[0].elementAt(row * 4 + column) : 2.5
        case "edge": return x[0].elementAt(row * 4 + min(max(column, 0), 3))
        default: return x[0].elementAt(row * 4 + (column < 0 ? -column : column > 3 ? 6 - column : column))
        }
      }
    }.check(seed: 1)
  }

  @Test
  func copies() throws {
    try GradientCase("Expand", inputs: [[3, 1]], constants: [Constant(name: "s", [2, 3, 4])]) {
      repeated($0[0], to: [2, 3, 4])
    }.check(seed: 1)
    try GradientCase(
      "Gather", [Attribute("axis", .int(1))], inputs: [[2, 4]], constants: [Constant(name: "i", [3, 0, 3])]
    ) { x in [3, 0, 3, 7, 4, 7].map { x[0].elementAt($0) } }.check(seed: 2)
    try GradientCase("Tile", inputs: [[2, 2]], constants: [Constant(name: "r", [1, 2])]) { x in
      [0, 1, 0, 1, 2, 3, 2, 3].map { x[0].elementAt($0) }
    }.check(seed: 3)
  }

  @Test
  func depthToSpace() throws {
    // Channel (2 a + b) C' + c is pixel (a, b) of channel c.
    try GradientCase("DepthToSpace", [Attribute("blocksize", .int(2))], inputs: [[1, 8, 2, 3]]) { x in
      (0..<48).map { place in
        let (c, y, z) = (place / 24, place / 6 % 4, place % 6)
        return x[0].elementAt(((y % 2 * 2 + z % 2) * 2 + c) * 6 + y / 2 * 3 + z / 2)
      }
    }.check(seed: 1)
  }

  @Test
  func nearestResizing() throws {
    let attributes = [
      Attribute("mode", text: "nearest"), Attribute("coordinate_transformation_mode", text: "asymmetric"),
      Attribute("nearest_mode", text: "floor"),
    ]
    let scales = Constant(name: "scales", Tensor(shape: [4], elements: [1, 1, 2, 3]), type: .float32)
    let none = Constant(name: "roi", Tensor(shape: [0], elements: []), type: .float32)
    try GradientCase("Resize", attributes, inputs: [[1, 2, 3, 2]], constants: [none, scales]) { x in
      (0..<72).map { x[0].elementAt($0 / 36 * 6 + $0 / 6 % 6 / 2 * 2 + $0 % 6 / 3) }
    }.check(seed: 1)
  }

  @Test
  func linearResizing() throws {
    let attributes = [
      Attribute("mode", text: "linear"), Attribute("coordinate_transformation_mode", text: "half_pixel"),
    ]
    let scales = Constant(name: "scales", Tensor(shape: [4], elements: [1, 1, 2, 1.5]), type: .float32)
    let none = Constant(name: "roi", Tensor(shape: [0], elements: []), type: .float32)
    @Sendable func taps(_ place: Int, _ scale: Double, _ extent: Int) -> [(Int, Double)] {
      let x = (Double(place) + 0.5) / scale - 0.5
      let part = x - x.rounded(.down)
      let first = Int(x.rounded(.down))
      return [(min(max(first, 0), extent - 1), 1 - part), (min(max(first + 1, 0), extent - 1), part)]
    }
    try GradientCase("Resize", attributes, inputs: [[1, 2, 3, 4]], constants: [none, scales]) { x in
      (0..<72).map { place in
        var sum = 0.0
        for (i, a) in taps(place / 6 % 6, 2, 3) {
          for (j, b) in taps(place % 6, 1.5, 4) { sum += a * b * x[0].elementAt(place / 36 * 12 + i * 4 + j) }
        }
        return sum
      }
    }.check(seed: 1)
  }

  @Test
  func reductions() throws {
    for (opType, keeps) in [("ReduceMean", 1), ("ReduceSum", 0)] {
      try GradientCase(
        opType, [Attribute("keepdims", .int(keeps))], inputs: [[2, 3, 4]],
        constants: [Constant(name: "axes", [0, -1])]
      ) { x in
        (0..<3).map { row in
          let sum = (0..<8).reduce(0) { $0 + x[0].elementAt($1 / 4 * 12 + row * 4 + $1 % 4) }
          return opType == "ReduceMean" ? sum / 8 : sum
        }
      }.check(seed: 1)
    }
    try GradientCase("ReduceMean", [Attribute("axes", .ints([1]))], inputs: [[2, 3, 4]], opset: 11) { x in
      (0..<8).map { p in (0..<3).reduce(0) { $0 + x[0].elementAt(p / 4 * 12 + $1 * 4 + p % 4) } / 3 }
    }.check(seed: 2)
  }
}
