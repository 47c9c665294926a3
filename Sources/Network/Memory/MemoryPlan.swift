import Tensors

/// Where the buffers of a segment lie in its arena: no two that are needed at the same time overlap.
///
/// Buffers are placed by size, the largest first, or by lifetime, the longest first, whichever takes less in all; each goes
/// into the smallest gap that it fits in among those whose lifetimes meet its own.
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
    let bySize = tenants.sorted { ($0.byteCount, $1.buffer) > ($1.byteCount, $0.buffer) }
    let byLifetime = tenants.sorted {
      ($0.steps.count, $0.byteCount, $1.buffer) > ($1.steps.count, $1.byteCount, $0.buffer)
    }
    let plans = [bySize, byLifetime].map { MemoryPlan(inOrder: $0, sharing: sharing) }
    self = plans[0].byteCount <= plans[1].byteCount ? plans[0] : plans[1]
  }

  private init(inOrder tenants: [Tenant], sharing: Bool) {
    var placed: [(tenant: Tenant, range: Range<Int>)] = []
    for tenant in tenants {
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
    let sharing = !options.disabledPasses.contains(.memorySharing)
    let roots = sharing ? inPlaceRoots() : Array(buffers.indices)
    var lifetimes: [Int: MemoryPlan.Tenant] = [:]
    for (index, buffer) in buffers.enumerated() {
      guard case .arena(segment) = buffer.source, let steps = lifetime(index) else { continue }
      let own = MemoryPlan.Tenant(buffer: roots[index], steps: steps, byteCount: buffer.byteCount)
      lifetimes[roots[index]] = lifetimes[roots[index]]?.joined(own) ?? own
    }
    var plan = MemoryPlan(lifetimes.values.sorted { $0.buffer < $1.buffer }, sharing: sharing)
    plan.take(roots)
    return plan
  }

  /// The steps from the first that touches a buffer to the last that needs it; nil where none does.
  private func lifetime(_ buffer: Int) -> ClosedRange<Int>? {
    guard let touched = buffers[buffer].steps else { return nil }
    return buffers[buffer].isKept ? touched.lowerBound...max(touched.upperBound, steps.count) : touched
  }

  /// For each buffer the one whose memory it takes over: that of an operand that nobody needs any more when a step that
  /// may work in place writes it whole for the first time.
  private func inPlaceRoots() -> [Int] {
    var roots = Array(buffers.indices)
    for (place, step) in steps.enumerated() where !step.inPlace.isEmpty {
      guard let target = step.operands.last, isOwn(target), buffers[target.buffer].steps?.lowerBound == place
      else {
        continue
      }
      let source = step.inPlace.map { step.operands[$0] }.first { operand in
        isOwn(operand) && operand.buffer != target.buffer && lifetime(operand.buffer)?.upperBound == place
          && operand.byteOffset == target.byteOffset && operand.byteCount == target.byteCount
          && step.operands.count { $0.buffer == operand.buffer } == 1
          && buffers[operand.buffer].byteCount == buffers[target.buffer].byteCount
      }
      if let source { roots[target.buffer] = roots[source.buffer] }
    }
    return roots
  }

  /// Whether an operand's buffer lies in the arena of this segment.
  private func isOwn(_ operand: Operand) -> Bool {
    if case .arena(segment) = buffers[operand.buffer].source { true } else { false }
  }
}

extension MemoryPlan.Tenant {
  /// Both together, one behind the other.
  fileprivate func joined(_ other: Self) -> Self {
    Self(
      buffer: buffer,
      steps: min(steps.lowerBound, other.steps.lowerBound)...max(steps.upperBound, other.steps.upperBound),
      byteCount: max(byteCount, other.byteCount))
  }
}

extension MemoryPlan {
  /// Gives buffers the places of those whose memory they take over.
  fileprivate mutating func take(_ roots: [Int]) {
    for (buffer, root) in roots.enumerated() where root != buffer { offsets[buffer] = offsets[root] }
  }
}
