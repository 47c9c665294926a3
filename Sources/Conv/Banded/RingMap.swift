import Tensors

/// A map between two stages of a banded run: channel-last rows, of which a ring keeps only those still needed.
///
/// Row y lies at slot (y - first row of the run) mod `capacity`, which is what the reader's band spans, so that rows
/// between bands that nobody reads take no place; `before` zero columns stand in front of each row and as
/// many behind it as its reader needs.
struct RingMap: Sendable {
  let channels: Int
  let width: Int
  /// Floats between neighbouring pixels.
  let pitch: Int
  /// The zero columns in front.
  let before: Int
  /// The columns of a row with all padding.
  let columns: Int
  /// The rows that the ring holds.
  let capacity: Int
  let region: WorkspaceRegion<Float>

  /// `isDense`: pixels lie without gaps, else at multiples of 16 floats, where no `pitch` is given.
  init(
    channels: Int, width: Int, before: Int, columns: Int, capacity: Int, isDense: Bool, pitch: Int?,
    in layout: inout WorkspaceLayout
  ) {
    self.channels = channels
    self.width = width
    self.before = before
    self.columns = columns
    self.capacity = capacity
    self.pitch = pitch ?? (isDense ? channels : roundUp(channels, to: 16))
    region = layout.reserve(Float.self, count: capacity * columns * self.pitch)
  }

  /// Floats of a row with all padding.
  var rowCount: Int { columns * pitch }
}
