import Forms
import Tensors

/// The ranks at which a kind of form is timed.
struct TimingGrid {
  private let kind: FormKind
  private let kernel: Shape
  private let groups: Int
  private let multiple: Int

  /// The part of the dense layer's weights that the first form has. A kind that is no faster with so few is not looked at
  /// further: with fewer there is little left of a kernel.
  private static let probedPart = 0.25

  init(_ kind: FormKind, _ layer: MeasuredLayer, multiple: Int) {
    (self.kind, groups, self.multiple) = (kind, layer.groups, multiple)
    // Ranks hold for each group.
    kernel = Shape([layer.kernel[0] / layer.groups] + layer.kernel.extents.dropFirst())
  }

  /// The form of a quarter of the weights, or as near as ranks come.
  var probe: FactoredForm { form(quarter) }

  /// The part of the full ranks at which a form has a quarter of the weights.
  private var quarter: Double {
    // Weights grow with the scale.
    var (low, high) = (0.0, 1.0)
    for _ in 0..<20 {
      let middle = (low + high) / 2
      let part = Double(form(middle).weightCount(kernel: kernel)) / Double(kernel.count)
      if part > Self.probedPart { high = middle } else { low = middle }
    }
    return low
  }

  /// Further forms, around the first: a few ranks, or pairs of them that differ, up to three quarters of the weights. With `fine`
  /// more of them, for prices that nobody can correct later.
  func others(fine: Bool) -> [FactoredForm] {
    let (full, quarter, probe) = (kind.fullRanks(kernel: kernel), quarter, probe)
    let scales: [[Double]]
    if kind.ranks.count == 2 {
      let each = fine ? [0.12, 0.4, 1, 1.7] : [0.4, 1.6]
      scales = each.flatMap { first in each.map { [first, $0] } }
    } else {
      scales = (fine ? [0.06, 0.12, 0.22, 0.35, 0.6, 1.4, 1.9, 2.5, 3.2] : [0.35, 1.9, 3]).map { [$0] }
    }
    var result: [FactoredForm] = []
    for scale in scales {
      let form = rounded(zip(full, scale).map { Double($0) * quarter * $1 })
      if form != probe && !result.contains(form) { result.append(form) }
    }
    return result
  }

  private func form(_ scale: Double) -> FactoredForm {
    rounded(kind.fullRanks(kernel: kernel).map { Double($0) * scale })
  }

  private func rounded(_ ranks: [Double]) -> FactoredForm {
    let full = kind.fullRanks(kernel: kernel)
    return FactoredForm(
      kind,
      ranks: zip(ranks, full).map { rank, full in
        let whole = Int((rank / Double(multiple)).rounded()) * multiple
        return max(1, min(full, max(whole, min(multiple, full))))
      })
  }
}
