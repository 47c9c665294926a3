internal import CKernels
import TensorCore

/// The choices of a fused plan: which stage is entry, which exit, the algorithms, the panels and the height of a band.
struct FusedDesign {
  let planes: [PlaneGeometry]
  /// Whether the first stage is the entry's, and the last the exit's.
  let entersBy1x1: Bool
  let leavesBy1x1: Bool
  let algorithms: [RowStage.Algorithm]
  let width: Int
  let strip: Int
  let band: Int?
  private let mostPixels: [Int]

  init(planes: [PlaneGeometry], options: ConvolutionOptions, table: lowrank_kernels) {
    self.planes = planes
    band = options.band
    width = table.width
    strip = table.strip
    mostPixels = [
      0, table.most_pixels.1, table.most_pixels.2, table.most_pixels.3, table.most_pixels.4,
    ]
    let dense1x1 = planes.map { $0.isPointwise && $0.groups == 1 }
    leavesBy1x1 = dense1x1[planes.count - 1]
    entersBy1x1 = dense1x1[0] && planes.count > 1
    let core = (entersBy1x1 ? 1 : 0)..<(planes.count - (leavesBy1x1 ? 1 : 0))
    algorithms = core.map { index in
      let plane = planes[index]
      if plane.isDepthwise { return .depthwise }
      // The overhang of Winograd's tiles may only reach into the last map.
      guard plane.isWinograd3, index == core.upperBound - 1 else { return .direct }
      switch options.winograd {
      case .off: return .direct
      case .two: return .winograd(2)
      case .four: return .winograd(4)
      case .automatic: return Self.tile(for: plane).map { .winograd($0) } ?? .direct
      }
    }
  }

  /// The Winograd tile for a stage; nil where the definition's multiplies are faster.
  private static func tile(for plane: PlaneGeometry) -> Int? {
    guard plane.inputChannels >= 8, plane.outputChannels >= 8 else { return nil }
    let tiles = ((plane.outputHeight + 3) / 4) * ((plane.outputWidth + 3) / 4)
    return tiles >= 8 ? 4 : nil
  }

  /// The stages between entry and exit.
  var core: [PlaneGeometry] {
    Array(planes[(entersBy1x1 ? 1 : 0)..<(planes.count - (leavesBy1x1 ? 1 : 0))])
  }

  /// Whether there is no map at all: one 1x1 stage, straight from the input to the output.
  var isSingle1x1: Bool { leavesBy1x1 && planes.count == 1 }

  /// The panel of an exit on channel-last rows; nil where it is better done on maps.
  ///
  /// Maps waste the lanes behind the last pixel of a band. Either way one side of the product changes its layout: at
  /// about 14 elements a nanosecond, beside 125 multiplies.
  var exitPanel: Int? {
    guard let last = planes.last, leavesBy1x1, !isSingle1x1, algorithms.last.map({ $0.tile == 1 }) ?? true
    else {
      return nil
    }
    // Small images are done in one band; in large ones the waste is small for any band.
    let pixels = last.outputHeight * last.outputWidth
    let waste = Double(roundUp(pixels, to: width)) / Double(pixels) - 1
    let onMaps = waste + 9 / Double(last.outputChannels)
    return pixels <= 1024 && onMaps > 9 / Double(last.inputChannels) + 0.02
      ? panel(pixels: pixels, columns: last.outputChannels) : nil
  }

  /// The panel that wastes least on `pixels` pixels and `columns` columns: FMAs, loads and latency of its tiles.
  func panel(pixels: Int, columns: Int) -> Int {
    let vectors = (columns + width - 1) / width
    func cost(_ panel: Int) -> Double {
      var total = 0.0
      for first in stride(from: 0, to: vectors, by: panel) {
        let n = min(panel, vectors - first)
        let count = (pixels + mostPixels[n] - 1) / mostPixels[n]
        for tile in 0..<count {
          let m = (tile + 1) * pixels / count - tile * pixels / count
          // Two FMAs and two loads a cycle; an FMA takes four.
          total += max(Double(m * n) / 2, Double(m + n) / 2, 4) + 0.4
        }
      }
      return total
    }
    return (1..<mostPixels.count).min { cost($0) < cost($1) } ?? 1
  }

  /// Packs the weights of all stages, in order, and the bias.
  func pack(_ weights: [Tensor<Float>], bias: Tensor<Float>?) -> [PackedWeights] {
    var packed: [PackedWeights] = []
    for (index, (plane, tensor)) in zip(planes, weights).enumerated() {
      tensor.withSpan { w in
        let inputs = plane.inputChannels / plane.groups
        if leavesBy1x1, index == planes.count - 1 {
          if let exitPanel {
            packed.append(
              .columns(plane.outputChannels, depth: inputs, panel: exitPanel, width: width) {
                w[$0 * inputs + $1]
              })
            return
          }
          packed.append(.strips(plane.outputChannels, depth: inputs, strip: strip) { w[$0 * inputs + $1] })
          return
        }
        let taps = plane.kernel.height * plane.kernel.width
        if plane.isDepthwise {
          let row = roundUp(plane.outputChannels, to: width)
          packed.append(
            PackedWeights(count: taps * row) { target in
              for c in 0..<plane.outputChannels {
                for tap in 0..<taps { target[tap * row + c] = w[c * taps + tap] }
              }
            })
          return
        }
        let algorithm = entersBy1x1 && index == 0 ? .direct : algorithms[index - (entersBy1x1 ? 1 : 0)]
        let panel = panel(of: plane, algorithm)
        if case .winograd(let tile) = algorithm {
          packed.append(WinogradForm.form(tile: tile).packed(tensor, panel: panel, width: width))
        } else {
          packed.append(
            .columns(plane.outputChannels, depth: taps * inputs, panel: panel, width: width) {
              column, depth in
              w[(column * inputs + depth % inputs) * taps + depth / inputs]
            })
        }
      }
    }
    if let bias {
      packed.append(PackedWeights(count: roundUp(bias.count, to: 16)) { _ = $0.update(fromContentsOf: bias.elements) })
    }
    return packed
  }

  /// The panel of a stage's packed columns.
  func panel(of plane: PlaneGeometry, _ algorithm: RowStage.Algorithm) -> Int {
    var pixels = plane.outputWidth
    if case .winograd(let tile) = algorithm { pixels = (plane.outputWidth + tile - 1) / tile * 4 }
    return panel(pixels: pixels, columns: plane.outputChannels)
  }
}
