import Tensors

/// Chooses a design by timing those that the cost model holds good.
struct DesignMeasurement {
  let candidates: [(design: BandedDesign, cycles: Double)]
  let options: ConvolutionOptions
  let cache: TuningCache

  /// The most designs that are timed.
  private static let most = 12
  /// The runs of each, of which the fastest counts.
  private static let repetitions = 7

  /// The design that the cache knows, or the fastest of the best candidates, which the cache then knows.
  ///
  /// **Complexity** packs the weights for each design that is timed; an input and an output of zeros.
  func fastest(_ make: (BandedDesign) -> BandedConvolution) -> BandedDesign? {
    guard let first = candidates.first?.design else { return nil }
    let key = key(first)
    if let known = cache[key], let design = candidates.first(where: { entry($0.design) == known })?.design {
      return design
    }
    let plans = finalists.map(make)
    guard plans.count > 1 else { return plans.first?.design }
    let x = Tensor<Float>(shape: [first.ends.input.span])
    var y = Tensor<Float>(shape: [first.ends.output.span])
    let workspace = Workspace(byteCount: plans.map(\.layout.byteCount).max() ?? 0)
    var times = [Duration](repeating: .seconds(1_000_000), count: plans.count)
    x.withSpan { x in
      y.withMutableSpan { y in
        x.withUnsafeBufferPointer { x in
          y.withUnsafeMutableBufferPointer { y in
            guard let x = x.baseAddress, let y = y.baseAddress else { return }
            // In turn, so that whatever else the machine does falls on all of them.
            for _ in 0..<Self.repetitions {
              for (index, plan) in plans.enumerated() {
                let time = ContinuousClock().measure {
                  _ = plan.run(input: x, residual: nil, output: y, workspace: workspace)
                }
                times[index] = min(times[index], time)
              }
            }
          }
        }
      }
    }
    guard let best = plans.indices.min(by: { times[$0] < times[$1] }) else { return nil }
    cache[key] = entry(plans[best].design)
    return plans[best].design
  }

  /// The best few of each tile and way of sharing, of those within half as long again as the best of all.
  private var finalists: [BandedDesign] {
    let bound = 1.5 * (candidates.map(\.cycles).min() ?? 0)
    let good = candidates.filter { $0.cycles <= bound }.sorted { $0.cycles < $1.cycles }
    let kinds = Dictionary(grouping: good) {
      [$0.design.form?.tile ?? 1, $0.design.parts, $0.design.stack?.images ?? 1]
    }.values
    let each = max(1, Self.most / max(1, kinds.count))
    return kinds.sorted { $0[0].cycles < $1[0].cycles }.flatMap { $0.prefix(each) }.prefix(Self.most).map(
      \.design)
  }

  private func entry(_ design: BandedDesign) -> TuningCache.Entry {
    TuningCache.Entry(
      tile: design.form?.tile ?? 1, band: design.band, slots: design.slots, parts: design.parts,
      stacked: design.stack?.images ?? 1)
  }

  /// The machine and everything that the choice depends on.
  private func key(_ design: BandedDesign) -> String {
    let stages = design.planes.map(\.signature).joined(separator: ";")
    return [
      TuningCache.processor, "\(options.variant ?? .best)", "threads \(options.threads)",
      "winograd \(options.winograd) \(options.weights)",
      "\(design.ends.input.order) to \(design.ends.output.order)",
      "\(design.images) images", stages,
    ].joined(separator: ", ")
  }
}

extension PlaneGeometry {
  /// Everything about the stage in a line.
  fileprivate var signature: String {
    "\(inputChannels)x\(inputHeight)x\(inputWidth)>\(outputChannels)x\(outputHeight)x\(outputWidth)"
      + " g\(groups) k\(kernel.height)x\(kernel.width) s\(stride.height)x\(stride.width)"
      + " d\(dilation.height)x\(dilation.width) p\(padding.top)x\(padding.left)"
  }
}
