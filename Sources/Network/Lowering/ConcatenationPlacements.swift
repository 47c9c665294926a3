import Maps
import ModelGraph
import Tensors

/// Which values are written straight into the buffer of the concatenation that takes them.
struct ConcatenationPlacements: Sendable {
  /// A concatenation whose extents are known beforehand.
  struct Group: Sendable {
    /// The name of what it makes.
    let output: String
    let axis: Int
    let extents: [Int]
    /// Its value, once the first part of it is made.
    fileprivate(set) var value: Value?
  }

  /// A part of a concatenation.
  struct Slot: Sendable {
    let group: Int
    /// Where it begins along the axis.
    let start: Int
    /// Whether it is made long before the concatenation, whose memory then waits for the other parts.
    let isEarly: Bool
  }

  /// The concatenations.
  private(set) var groups: [Group] = []
  /// The parts, by the name of the value.
  private(set) var slots: [String: Slot] = [:]

  /// The same without parts that are made long before: they are copied.
  func withoutEarlyParts() -> ConcatenationPlacements {
    var others = self
    others.slots = slots.filter { !$0.value.isEarly }
    return others
  }

  /// A part of a concatenation by the name of its value, which is empty for constants.
  struct Part {
    let name: String
    /// Its extent along the axis.
    let extent: Int
    let isEarly: Bool
  }

  /// Adds a concatenation of parts whose extents along the axis are known; a value that is a part already, or twice, stays
  /// what it is.
  mutating func add(output: String, axis: Int, extents: [Int], parts: [Part]) {
    groups.append(Group(output: output, axis: axis, extents: extents))
    var start = 0
    for part in parts {
      let isOnce = parts.count { $0.name == part.name } == 1
      if isOnce, !part.name.isEmpty, slots[part.name] == nil {
        slots[part.name] = Slot(group: groups.count - 1, start: start, isEarly: part.isEarly)
      }
      start += part.extent
    }
  }

  fileprivate mutating func set(_ value: Value, of group: Int) { groups[group].value = value }

  /// The value of the concatenation that makes `output`, where a part of it has been made.
  func value(of output: String) -> Value? { groups.first { $0.output == output }?.value }
}

extension PlanBuilder {
  /// The place of a value in the buffer of its concatenation; nil where it has none, or the value is another than was
  /// thought.
  mutating func place(
    of name: String, _ extents: [Int], _ type: DataType, _ order: AxisOrder
  ) throws(LoweringStop) -> Value? {
    guard let slot = placements.slots[name] else { return nil }
    let group = placements.groups[slot.group]
    let natural: AxisOrder = extents.count > 2 ? .channelLast : .rowMajor
    guard order == natural, type == .float32, extents.count == group.extents.count,
      slot.start + extents[group.axis] <= group.extents[group.axis],
      extents.indices.allSatisfy({ $0 == group.axis || extents[$0] == group.extents[$0] })
    else { return nil }
    let whole: Value
    if let value = group.value {
      whole = value
    } else {
      whole = try make(group.extents, type, order, for: group.output)
      placements.set(whole, of: slot.group)
    }
    return whole.sliced(axis: group.axis, from: slot.start, count: extents[group.axis])
  }
}

extension Value {
  /// Part of the value: `count` elements along an axis from one on, `step` apart.
  func sliced(axis: Int, from start: Int, count: Int, step: Int = 1) -> Value {
    var (extents, strides) = (layout.extents, layout.strides)
    var part = self
    part.offset = count == 0 ? offset : offset + start * strides[axis]
    extents[axis] = count
    strides[axis] *= step
    part.layout = StridedShape(extents, strides: strides)
    part.contents = nil
    return part
  }

  /// The value with its axes in another order: axis `i` of the result is axis `order[i]`.
  func permuted(_ order: [Int]) -> Value {
    var other = self
    other.layout = StridedShape(
      order.map { layout.extents[$0] }, strides: order.map { layout.strides[$0] })
    other.contents = nil
    return other
  }

  /// The value with other extents of the same count; nil where its elements would have to move.
  func reshaped(_ extents: [Int]) -> Value? {
    guard !layout.extents.contains(0) else {
      guard extents.contains(0), Shape(checking: extents) != nil else { return nil }
      var other = self
      other.layout = StridedShape(extents)
      return other
    }
    guard let strides = layout.strides(reshapedTo: extents) else { return nil }
    var other = self
    other.layout = StridedShape(extents, strides: strides)
    other.contents = nil
    return other
  }
}

extension StridedShape {
  /// The strides of the same elements in the same order under other extents; nil where there are none.
  func strides(reshapedTo target: [Int]) -> [Int]? {
    // Runs of axes that can be gone through as one, each cut into axes anew.
    var result = [Int](repeating: 0, count: target.count)
    var (old, new) = (0, 0)
    while new < target.count {
      if target[new] == 1 {
        new += 1
        continue
      }
      var last = old
      while last < extents.count, extents[last] == 1 { last += 1 }
      guard last < extents.count else { return nil }
      var (left, right) = (extents[last], target[new])
      var end = new
      var run = [last]
      while left != right {
        if left < right {
          last += 1
          guard last < extents.count else { return nil }
          left *= extents[last]
          if extents[last] != 1 { run.append(last) }
        } else {
          end += 1
          guard end < target.count else { return nil }
          right *= target[end]
        }
      }
      for (a, b) in zip(run, run.dropFirst()) where strides[a] != strides[b] * extents[b] { return nil }
      var stride = strides[run[run.count - 1]]
      for axis in (new...end).reversed() {
        result[axis] = stride
        stride *= target[axis]
      }
      (old, new) = (last + 1, end + 1)
    }
    return result
  }
}
