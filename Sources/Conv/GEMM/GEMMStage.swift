import Tensors

/// A stage of a run by GEMM, and how threads share it.
struct GEMMStage: Sendable {
  /// What the threads divide among them: no two write to the same element, and none waits within a stage.
  enum Split: Sendable {
    case groups
    /// The outputs along the first spatial axis.
    case outerRows
    /// The positions of a stage that reads in place, or its output channels.
    case positions
    case channels
  }

  /// What one thread computes of a stage.
  struct Share {
    var groups: Range<Int>
    /// The output channels of a group.
    var channels: Range<Int>
    /// The output positions, and the outputs along the first spatial axis that they belong to.
    var positions: Range<Int>
    var outerRows: Range<Int>
  }

  let geometry: ConvolutionGeometry
  let split: Split
  let threads: Int
  /// Whether the input is a factor of the product as it lies: a pointwise stage on channel-first maps.
  let readsInPlace: Bool

  /// `readsInPlace` is whether a pointwise stage may.
  init(_ geometry: ConvolutionGeometry, threads: Int, readsInPlace: Bool) {
    self.geometry = geometry
    self.threads = threads
    self.readsInPlace = geometry.isPointwise && readsInPlace
    if geometry.groups >= threads, geometry.groups > 1 {
      split = .groups
    } else if !self.readsInPlace {
      split = .outerRows
    } else {
      // The longer side loses least to the edges of the BLAS's tiles.
      split =
        geometry.outputPositions >= geometry.outputChannels / geometry.groups ? .positions : .channels
    }
  }

  /// The outputs along the first spatial axis; 1 where there is none.
  private var outerCount: Int { geometry.outputExtents.first ?? 1 }

  /// How many threads find something to do.
  var units: Int {
    switch split {
    case .groups: geometry.groups
    case .outerRows: outerCount
    case .positions: (geometry.outputPositions + Self.lanes - 1) / Self.lanes
    case .channels: (geometry.outputChannels / geometry.groups + Self.lanes - 1) / Self.lanes
    }
  }

  /// Positions and channels go to threads by whole vectors.
  private static let lanes = 16

  /// What thread `part` computes.
  func share(_ part: Int) -> Share {
    let (positions, channels) = (geometry.outputPositions, geometry.outputChannels / geometry.groups)
    var share = Share(
      groups: 0..<geometry.groups, channels: 0..<channels, positions: 0..<positions, outerRows: 0..<outerCount
    )
    func own(_ count: Int, group: Int = 1) -> Range<Int> {
      ThreadShare.share(part, of: threads, count, group: group)
    }
    switch split {
    case .groups: share.groups = own(geometry.groups)
    case .positions: share.positions = own(positions, group: Self.lanes)
    case .channels: share.channels = own(channels, group: Self.lanes)
    case .outerRows:
      share.outerRows = own(outerCount)
      let row = positions / outerCount
      share.positions = share.outerRows.lowerBound * row..<share.outerRows.upperBound * row
    }
    return share
  }

  /// The elements of the largest column matrix of a share.
  var columnCount: Int {
    guard !readsInPlace else { return 0 }
    let rows = geometry.kernelShape.count / geometry.outputChannels
    return rows * ((0..<threads).map { share($0).positions.count }.max() ?? 0)
  }
}
