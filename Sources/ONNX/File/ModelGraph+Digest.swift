public import ModelGraph
import TensorFiles

extension ModelGraph {
  /// A number that tells this model from others, as 16 hexadecimal digits: that of the bytes it would be written as, with all
  /// its constants, wherever these lie.
  ///
  /// It recognises mix-ups, not forgeries.
  ///
  /// **Throws** `ModelError` where a file that the model was read from has changed since.
  ///
  /// **Complexity** one pass over the bytes, 256 KiB of them in memory at a time.
  ///
  /// **Source** Fowler, Noll and Vo, FNV-1a of 64 bits.
  public func digest() throws(ModelError) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    let pieces = try WireWriter(self, WritingOptions(path: path)).pieces
    do throws(FileError) {
      for piece in pieces {
        try piece.forEachChunk { (chunk) throws(FileError) in
          for byte in chunk { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
      }
    } catch { throw .file(error) }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
