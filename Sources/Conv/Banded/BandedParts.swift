import Tensors

/// An address of weights that the plan keeps alive and nothing writes to.
struct WeightPointer: @unchecked Sendable {
  let base: UnsafePointer<Float>
}

/// The size of an address; a workspace only reserves room for lists of them.
typealias AddressBits = UInt

extension SlotMemory {
  /// A list of addresses to read from.
  func sources(_ pieces: WorkspacePieces<AddressBits>, _ part: Int) -> UnsafeMutablePointer<
    UnsafePointer<Float>?
  > {
    UnsafeMutableRawPointer(self[pieces, part]).assumingMemoryBound(to: UnsafePointer<Float>?.self)
  }

  /// A list of addresses to write to.
  func targets(
    _ pieces: WorkspacePieces<AddressBits>, _ part: Int
  ) -> UnsafeMutablePointer<UnsafeMutablePointer<Float>?> {
    UnsafeMutableRawPointer(self[pieces, part]).assumingMemoryBound(to: UnsafeMutablePointer<Float>?.self)
  }
}

/// How a banded run gets from the input to its first channel-last map.
struct EntryStage: Sendable {
  /// The packed columns of a pointwise stage; nil for a mere copy.
  let columns: WeightPointer?
  let panel: Int
  /// Pixels of the input that go through all columns together, and the whole rows that they make: at least one, of which
  /// pieces go together where a row is longer.
  let pixelsTogether: Int
  let rowsTogether: Int
  let sources: WorkspacePieces<AddressBits>
  let targets: WorkspacePieces<AddressBits>
}

/// What a stage between two maps needs besides them.
struct StageMemory: Sendable {
  let weights: WeightPointer
  let panel: Int
  /// The blocks of groups that have a product each.
  let blocks: GroupBlocks
  /// Pointers to the taps of each row, or to the rows of a tile.
  let sources: WorkspacePieces<AddressBits>
  let targets: WorkspacePieces<AddressBits>
  /// Winograd: the most tiles that go together.
  let tiles: Int
  /// Winograd: the transformed tiles, and the products of weights that are transformed beforehand.
  let transformed: WorkspaceRegion<Float>
  let products: WorkspaceRegion<Float>
  /// Winograd: how the weights are transformed in each run; nil where they were beforehand.
  let made: MadeWeights?
}

/// Winograd's weights as a run transforms them, some columns at a time.
///
/// Transformed weights are 2 to 5 times as many as the taps: those of large layers would fill the memory, and come from there
/// in every run, more slowly than the taps can be transformed.
struct MadeWeights: Sendable {
  /// The vectors of columns that are transformed together.
  let chunk: Int
  /// G, [points][taps].
  let filter: [Float]
  /// The taps of these columns, [panel][input, tap][column].
  let taps: WorkspacePieces<Float>
  /// Their transform for one row of points, [point][panel][input][column].
  let columns: WorkspacePieces<Float>
  /// Their products.
  let products: WorkspacePieces<Float>
}

/// How a banded run gets from its last map to the output.
struct ExitStage: Sendable {
  enum Form: Sendable {
    /// A mere copy, in the output's layout.
    case layout
    /// A pointwise stage on the map turned channel-first, to a channel-first output: packed strips.
    case strips(WeightPointer)
    /// A pointwise stage on the channel-last map: packed columns in panels, `chunk` vectors of them at once where the
    /// results are turned channel-first, added to a residual, or do not fill vectors. Wastes nothing where the pixels of a
    /// band do not fill vectors.
    case columns(WeightPointer, panel: Int, chunk: Int)
  }

  let form: Form
  let depth: Int
  /// Strips: the last map of a band, channel-first. Columns: the result, channel-last.
  let maps: WorkspacePieces<Float>
  /// Strips: floats between the channels. Columns: floats between pixels.
  let mapsRow: Int
  let sources: WorkspacePieces<AddressBits>
  let targets: WorkspacePieces<AddressBits>
}
