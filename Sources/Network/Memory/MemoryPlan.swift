import Tensors

/// Where the buffers of a segment lie in its arena: no two that are needed at the same time overlap.
///
/// Buffers are placed by size, the largest first, each into the smallest gap that it fits in among those whose lifetimes
/// meet its own.
///
/// **Complexity** quadratic in the buffers.
///
/// **Source** the rule is that of XNNPACK's memory planner.
struct MemoryPlan: Sendable {
  /// Byte offsets in the arena, by buffer.
  private(set) var offsets: [Int: Int] = [:]
  /// The size of the arena.
  private(set) var byteCount = 0

  /// One buffer's lifetime and size.
  struct Tenant: Sendable {
    let buffer: Int
    let steps: ClosedRange<Int>
    let byteCount: Int
  }

  /// Places tenants; without `sharing` each has memory of its own.
  init(_ tenants: [Tenant], sharing: Bool) {
    var placed: [(tenant: Tenant, range: Range<Int>)] = []
    for tenant in tenants.sorted(by: { ($0.byteCount, $1.buffer) > ($1.byteCount, $0.buffer) }) {
      let size = max(64, (tenant.byteCount + 63) & ~63)
      let others = placed.filter { !sharing || $0.tenant.steps.overlaps(tenant.steps) }.map(\.range)
      let start = Self.gap(of: size, among: others)
      placed.append((tenant, start..<(start + size)))
      offsets[tenant.buffer] = start
      byteCount = max(byteCount, start + size)
    }
  }

  /// The beginning of the smallest gap of at least `size` bytes between ranges, or of what is behind them all.
  private static func gap(of size: Int, among ranges: [Range<Int>]) -> Int {
    var (end, best): (Int, Range<Int>?) = (0, nil)
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound - end >= size, best.map({ range.lowerBound - end < $0.count }) ?? true {
        best = end..<range.lowerBound
      }
      end = max(end, range.upperBound)
    }
    return best?.lowerBound ?? end
  }
}

extension PlanBuilder {
  /// The plan of this segment's arena.
  func memoryPlan() -> MemoryPlan {
    var roots: [Int: Int] = [:]
    func root(_ buffer: Int) -> Int {
      if let known = roots[buffer] { return known }
      let found = buffers[buffer].inPlaceOf.map(root) ?? buffer
      roots[buffer] = found
      return found
    }
    var lifetimes: [Int: (steps: ClosedRange<Int>, byteCount: Int)] = [:]
    for (index, buffer) in buffers.enumerated() {
      guard case .arena(segment) = buffer.source, var steps = buffer.steps else { continue }
      if buffer.isKept { steps = steps.lowerBound...max(steps.upperBound, self.steps.count) }
      let root = root(index)
      let known = lifetimes[root]
      lifetimes[root] = (
        min(
          steps.lowerBound, known?.steps.lowerBound ?? steps.lowerBound)...max(
            steps.upperBound, known?.steps.upperBound ?? steps.upperBound),
        max(buffer.byteCount, known?.byteCount ?? 0)
      )
    }
    var plan = MemoryPlan(
      lifetimes.sorted { $0.key < $1.key }.map {
        MemoryPlan.Tenant(buffer: $0.key, steps: $0.value.steps, byteCount: $0.value.byteCount)
      }, sharing: !options.disabledPasses.contains(.memorySharing))
    plan.take(buffers.indices.filter { buffers[$0].inPlaceOf != nil }.map { ($0, root($0)) })
    return plan
  }
}

extension MemoryPlan {
  /// Gives buffers the places of others.
  fileprivate mutating func take(_ pairs: [(buffer: Int, root: Int)]) {
    for (buffer, root) in pairs { offsets[buffer] = offsets[root] }
  }
}
