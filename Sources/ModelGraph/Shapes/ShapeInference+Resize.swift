internal import Tensors

extension ShapeInference {
  /// The extents behind a Resize or an Upsample, by its sizes or its scales; all unknown where those are.
  ///
  /// The region that `tf_crop_and_resize` reads does not enter them.
  func resized(_ node: Node) -> Extents? {
    guard let input = extents(node, 0) else { return nil }
    let unknown = Extents(repeating: nil, count: input.count)
    let axes = (node.ints("axes") ?? Array(input.indices)).compactMap { axis($0, order: input.count) }
    guard axes.count == node.ints("axes")?.count ?? input.count else { return unknown }
    var output = input
    if let sizes = integers(node, 3), sizes.count == axes.count {
      let extents = resized(axes.map { input[$0] }, to: sizes, node.string("keep_aspect_ratio_policy"))
      for (axis, extent) in zip(axes, extents) { output[axis] = extent }
      return output
    }
    let place = node.opType == "Upsample" || opset < 11 ? 1 : 2
    guard let scales = node.floats("scales") ?? numbers(node, place), scales.count == axes.count else {
      return unknown
    }
    for (axis, scale) in zip(axes, scales) {
      guard let extent = input[axis] else { continue }
      // In Float, as runtimes have it: 5 times 1.4 is 7 there, and a little less in Double.
      output[axis] = Int(exactly: (Float(extent) * scale).rounded(.down))
    }
    return output
  }

  /// Extents brought to sizes, or to the largest that are none of them larger, or the smallest that are none of them
  /// smaller, in the ratio that they have.
  ///
  /// **Source** ONNX, Resize 18, `keep_aspect_ratio_policy`.
  private func resized(_ extents: Extents, to sizes: [Int?], _ policy: String?) -> Extents {
    let isLeast = policy == "not_larger"
    guard isLeast || policy == "not_smaller" else { return sizes }
    let unknown = Extents(repeating: nil, count: extents.count)
    var scale: Float?
    for (extent, size) in zip(extents, sizes) {
      guard let extent, let size, extent > 0 else { return unknown }
      let own = Float(size) / Float(extent)
      scale = scale.map { isLeast ? min($0, own) : max($0, own) } ?? own
    }
    guard let scale else { return unknown }
    return extents.map { extent in
      extent.flatMap { Int(exactly: (Float($0) * scale).rounded(.toNearestOrAwayFromZero)) }
    }
  }
}
