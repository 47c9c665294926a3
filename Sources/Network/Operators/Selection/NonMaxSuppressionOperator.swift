import ModelGraph
import Tensors

/// `NonMaxSuppression`: of boxes that overlap, the one with the highest score; computed outside of plans.
///
/// **Complexity** the boxes over the threshold times the boxes that are kept, for each class of each image.
struct NonMaxSuppressionOperator: Operator {
  static let opTypes = ["NonMaxSuppression"]

  private let givesCenters: Bool

  init(_ node: NodeReader) throws(NetworkError) { givesCenters = try node.flag("center_point_box") }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let (boxes, scores) = (try plan.required(inputs, 0), try plan.required(inputs, 1))
    guard boxes.order == 3, scores.order == 3, boxes.extents[2] == 4, boxes.kind == .float,
      scores.kind == .float, boxes.extents[0] == scores.extents[0], boxes.extents[1] == scores.extents[2]
    else { throw plan.failure("boxes of \(boxes.extents), scores of \(scores.extents)") }
    let givesCenters = givesCenters
    throw .outside { inputs throws(NetworkError) in
      guard let boxes = inputs[0]?.floats, let scores = inputs[1]?.floats else { return [] }
      func number(_ place: Int) -> Float? {
        inputs.count > place ? inputs[place]?.floats?.elements.first : nil
      }
      let most = inputs.count > 2 ? inputs[2]?.integers?.first ?? 0 : 0
      let suppression = Suppression(
        most: max(0, most), overlap: number(3) ?? 0, score: number(4), givesCenters: givesCenters)
      let rows = suppression.rows(boxes, scores)
      return [NetworkTensor(shape: [rows.count / 3, 3], integers: rows)]
    }
  }
}

/// What boxes are kept by.
private struct Suppression {
  let most: Int
  let overlap: Float
  let score: Float?
  let givesCenters: Bool

  /// A box by its corners.
  private struct Box {
    let top: Float, left: Float, bottom: Float, right: Float
    var area: Float { (bottom - top) * (right - left) }
  }

  /// Image, class and box of each that is kept.
  func rows(_ boxes: Tensor<Float>, _ scores: Tensor<Float>) -> [Int] {
    let (images, classes, count) = (scores.shape[0], scores.shape[1], scores.shape[2])
    let (corners, points) = (boxes.elements, scores.elements)
    var rows: [Int] = []
    for image in 0..<images {
      let all = (0..<count).map { box(corners, (image * count + $0) * 4) }
      for label in 0..<classes {
        let first = (image * classes + label) * count
        let candidates = (0..<count).filter { box in score.map { points[first + box] > $0 } ?? true }
          .sorted { (points[first + $0], $1) > (points[first + $1], $0) }
        for kept in keep(candidates, all) { rows += [image, label, kept] }
      }
    }
    return rows
  }

  private func keep(_ candidates: [Int], _ boxes: [Box]) -> [Int] {
    var kept: [Int] = []
    for candidate in candidates {
      guard kept.count < most else { break }
      if kept.allSatisfy({ shared(boxes[$0], boxes[candidate]) <= overlap }) { kept.append(candidate) }
    }
    return kept
  }

  private func box(_ x: some RandomAccessCollection<Float>, _ first: Int) -> Box {
    let x = Array(x.dropFirst(first).prefix(4))
    if givesCenters {
      return Box(
        top: x[1] - x[3] / 2, left: x[0] - x[2] / 2, bottom: x[1] + x[3] / 2, right: x[0] + x[2] / 2)
    }
    return Box(
      top: min(x[0], x[2]), left: min(x[1], x[3]), bottom: max(x[0], x[2]), right: max(x[1], x[3]))
  }

  /// The intersection over the union.
  private func shared(_ a: Box, _ b: Box) -> Float {
    let height = min(a.bottom, b.bottom) - max(a.top, b.top)
    let width = min(a.right, b.right) - max(a.left, b.left)
    guard height > 0, width > 0 else { return 0 }
    let both = height * width
    let union = a.area + b.area - both
    return union > 0 ? both / union : 0
  }
}
