import TensorCore

/// An address of weights that the plan keeps alive and nothing writes to.
struct WeightPointer: @unchecked Sendable {
  let base: UnsafePointer<Float>
}

/// How a fused run gets from the input to its first channel-last map.
struct EntryStage: Sendable {
  /// The packed columns of a 1x1 stage; nil for a mere change of layout.
  let columns: WeightPointer?
  let panel: Int
  /// Pixels of the input packed together.
  let chunk: Int
  let pack: WorkspaceRegion<Float>
  let sources: WorkspaceRegion<UnsafePointer<Float>?>
  let targets: WorkspaceRegion<UnsafeMutablePointer<Float>?>
}

/// What a stage between two maps needs besides them.
struct StageMemory: Sendable {
  let weights: WeightPointer
  let panel: Int
  /// Pointers to the taps of each row, or to the rows of a tile.
  let sources: WorkspaceRegion<UnsafePointer<Float>?>
  let targets: WorkspaceRegion<UnsafeMutablePointer<Float>?>
  /// Winograd: the transformed tiles, and the products.
  let transformed: WorkspaceRegion<Float>
  let products: WorkspaceRegion<Float>
  /// A row for the overhang of the last tiles.
  let overhang: WorkspaceRegion<Float>
  /// Rows of tiles transformed together.
  let tileRows: Int
}

/// How a fused run gets from its last map to the output.
struct ExitStage: Sendable {
  /// The packed strips of a 1x1 stage; nil for a mere change of layout.
  let strips: WeightPointer?
  let bias: WeightPointer?
  let depth: Int
  /// The last map of a band, channel-first.
  let maps: WorkspaceRegion<Float>
  /// Floats between its channels.
  let mapsRow: Int
}
