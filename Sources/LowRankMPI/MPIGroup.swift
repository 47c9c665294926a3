import CMPI
import Tune

/// The processes that `mpirun` started, as those that tune together.
///
/// **Accuracy** sums are those of `MPI_Allreduce`, in the type of the numbers, in an order that is OpenMPI's own: the same bits in
/// every process, which the tuner checks as it goes.
struct MPIGroup: TuningGroup {
  let rank: Int
  let count: Int

  /// Joins the others.
  ///
  /// **Throws** `TuneError.group` where MPI does not begin.
  init() throws(TuneError) {
    var (rank, count): (Int32, Int32) = (0, 0)
    try Self.check(cmpi_begin(&rank, &count))
    (self.rank, self.count) = (Int(rank), Int(count))
  }

  func sum(_ values: inout [Double]) throws(TuneError) {
    try Self.check(cmpi_sum_doubles(&values, try Self.number(values.count)))
  }

  func sum(_ values: inout [Float]) throws(TuneError) {
    try Self.check(cmpi_sum_floats(&values, try Self.number(values.count)))
  }

  /// Waits for the others, and ends.
  func end() throws(TuneError) { try Self.check(cmpi_end()) }

  /// Ends this process and all others.
  func abort(_ code: Int32) { cmpi_abort(code) }

  private static func number(_ count: Int) throws(TuneError) -> Int32 {
    guard let number = Int32(exactly: count) else {
      throw .group(reason: "MPI sums no \(count) numbers at once: a network of fewer weights is needed")
    }
    return number
  }

  private static func check(_ code: Int32) throws(TuneError) {
    guard code != 0 else { return }
    var text = [CChar](repeating: 0, count: Int(cmpi_longest_text()))
    cmpi_explain(code, &text)
    let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    throw .group(reason: "MPI: \(words.isEmpty ? "error \(code)" : words)")
  }
}
