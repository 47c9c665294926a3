import Testing

@testable import lowrank

@Suite struct TableTests {
  private static var table: Table {
    var table = Table([("layer", .left), ("kernel", .left), ("weights", .right), ("multiplies", .right)])
    table.add(["/basenet/slice1/slice1.10/Conv", "128x128x3x3", "147 456", "3 774 873 600"])
    table.add(["/head", "2x16x1x1", "32", "819 200"])
    return table
  }

  /// In a file or a pipe a table is as wide as it is; on a terminal no line is wider than that, and no cell but the names is
  /// cut.
  @Test(arguments: 1...90) func tablesFit(columns: Int) {
    let whole = Self.table.text(columns: nil)
    #expect(
      whole.split(separator: "\n")[1] == "/basenet/slice1/slice1.10/Conv  128x128x3x3  147 456  3 774 873 600"
    )
    let fitted = Self.table.text(columns: columns)
    let lines = fitted.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.allSatisfy { $0.count <= columns })
    if columns >= 67 { #expect(fitted == whole) }
    if columns >= 53 { #expect(fitted.contains("3 774 873 600") && fitted.contains("819 200")) }
    if columns >= 16 && columns < 53 { #expect(lines.last?.hasPrefix("(no ro") == true) }
    if columns >= 16 { #expect(lines[1].hasPrefix("/basen") && lines[1].contains("Conv")) }
  }
}
