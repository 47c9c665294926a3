import Tensors
import TestSupport
import Testing

@testable import ModelGraph

/// Every integer of every kind of node, one by one and a few at a time, at the numbers where arithmetic breaks: an error,
/// or extents that are known or not, never a trap.
@Suite struct ExtremeIntegersTests {
  private static let extremes: [Int] = [
    .min, .min + 1, -1 << 62, -1 << 31, -2, -1, 0, 1, 1 << 31 - 1, 1 << 31, 3_037_000_500, 1 << 40, 1 << 62,
    .max - 1,
    .max,
  ]

  private let assumptions = ShapeAssumptions(trustsFile: true, takesBatchForOne: true)

  private func run(_ template: NodeTemplate) throws {
    var model = template.model
    let layers = try model.layers()
    for extents in try model.extents(of: layers) {
      guard let extents else { continue }
      #expect((extents.input + extents.output + [extents.repetitions]).allSatisfy { $0 >= 0 })
    }
    for layer in layers where layer.obstacle == nil { _ = try? model.kernel(of: layer) }
    _ = try model.apply([ConstantFolding(), BatchNormalizationFolding(), UnusedNodeRemoval()])
  }

  @Test(arguments: NodeTemplate.all)
  func oneIntegerAtATime(template: NodeTemplate) throws {
    try run(template)
    for (part, number) in template.slots {
      for extreme in Self.extremes {
        var changed = template
        changed.parts[part].numbers[number] = extreme
        try run(changed)
      }
    }
  }

  @Test(arguments: NodeTemplate.all)
  func severalIntegersTogether(template: NodeTemplate) throws {
    var generator = SeededGenerator(seed: 21)
    guard !template.slots.isEmpty else { return }
    for _ in 0..<100 {
      var changed = template
      for _ in 0..<Int.random(in: 2...5, using: &generator) {
        guard let slot = template.slots.randomElement(using: &generator),
          let extreme = Self.extremes.randomElement(using: &generator)
        else { continue }
        changed.parts[slot.part].numbers[slot.number] = extreme
      }
      try run(changed)
    }
  }

  /// Each node has twice as many axes as the one before it: nothing of that size is kept.
  @Test func axesDoNotDouble() throws {
    var template = NodeTemplate("Identity", .value(2, 2))
    template.parts[0].numbers = [Int](repeating: 1, count: 8)
    var graph = template.model.main
    graph.nodes = (0..<18).map { place in
      let input = place == 0 ? "in0" : "y\(place - 1)"
      return Node(opType: "Gather", inputs: [input, input], outputs: ["y\(place)"])
    }
    let shapes = ShapeInference(graph: graph, opset: 13, assumptions: assumptions)
    #expect(shapes.extents.values.allSatisfy { $0.count <= ShapeInference.mostAxes })
  }

  /// What a pool with an impossible window leaves is unknown, and so is what the layer behind it costs.
  @Test(arguments: ["MaxPool", "AveragePool", "LpPool"], [Int.min, -1, 0, 1 << 40, 1 << 62, .max])
  func poolsWithImpossibleWindowsHaveUnknownExtents(op: String, extent: Int) throws {
    let template = NodeTemplate(
      op, .value(1, 4, 9, 9), .list("kernel_shape", extent, 2), .list("dilations", 1 << 30, 1))
    let shapes = ShapeInference(graph: template.model.main, opset: 13, assumptions: assumptions)
    #expect(shapes.extents["y0"] == nil)
  }
}
