import ModelGraph
import Tensors

/// `DepthToSpace` and `SpaceToDepth`: channels become blocks of positions, and the other way round.
struct DepthSpaceOperator: Operator {
  static let opTypes = ["DepthToSpace", "SpaceToDepth"]

  private enum Mode: String, CaseIterable { case depthFirst = "DCR", columnsFirst = "CRD" }

  private let block: Int
  private let isToSpace: Bool
  private let mode: Mode

  init(_ node: NodeReader) throws(NetworkError) {
    block = try node.int("blocksize", default: 0)
    isToSpace = node.opType == "DepthToSpace"
    mode = try node.choice("mode", default: .depthFirst)
    guard block >= 1, block < 1 << 15 else { throw node.failure("a 'blocksize' of \(block)") }
  }

  func lower(
    _ inputs: [Value?], outputs: [String], into plan: inout PlanBuilder
  ) throws(LoweringStop) -> [Value] {
    let input = plan.stored(try plan.required(inputs, 0))
    guard input.order == 4 else { throw plan.failure("an input of \(input.extents)") }
    let (n, c, h, w) = (input.extents[0], input.extents[1], input.extents[2], input.extents[3])
    let (deep, wide) = isToSpace ? (c, input) : (c * block * block, input)
    guard isToSpace ? c % (block * block) == 0 : h % block == 0 && w % block == 0 else {
      throw plan.failure("blocks of \(block) in \(wide.extents)")
    }
    let channels = deep / (block * block)
    let (rows, columns) = isToSpace ? (h, w) : (h / block, w / block)
    let extents =
      isToSpace ? [n, channels, h * block, w * block] : [n, deep, rows, columns]
    let output = try plan.make(extents, input.type, .channelLast, for: outputs[0])
    // Both as [N, C, rows, block, columns, block].
    let space = isToSpace ? output : input
    let depth = isToSpace ? input : output
    let isColumnsFirst = mode == .columnsFirst
    let split =
      isColumnsFirst
      ? [n, channels, block, block, rows, columns] : [n, block, block, channels, rows, columns]
    guard let blocks = space.reshaped([n, channels, rows, block, columns, block]),
      let maps = depth.reshaped(split)?.permuted(isColumnsFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2])
    else { throw plan.failure("an input with gaps") }
    try plan.copy(isToSpace ? maps : blocks, to: isToSpace ? blocks : maps)
    return [output]
  }
}
