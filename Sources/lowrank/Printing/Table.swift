import Tensors

/// A table of text with columns as wide as their widest cell, no wider than the terminal.
struct Table {
  /// How a column's cells are set.
  enum Alignment {
    case left
    case right
  }

  private let alignments: [Alignment]
  private var rows: [[String]]

  /// Cells of the first column are shortened to this many characters, where there is not room for all, before columns go.
  private static let shortest = 16

  init(_ columns: [(title: String, alignment: Alignment)]) {
    alignments = columns.map(\.alignment)
    rows = [columns.map(\.title)]
  }

  mutating func add(_ cells: [String]) {
    precondition(cells.count == alignments.count, "\(cells.count) cells for \(alignments.count) columns")
    rows.append(cells.map(\.onOneLine))
  }

  /// The lines of the table, as wide as the terminal allows; whole where they go elsewhere.
  var text: String { text(columns: Terminal.columns) }

  /// The lines of the table, without trailing blanks.
  ///
  /// Where they have to fit into some columns, names in the first one are shortened in their middle, and then columns dropped
  /// from the last on until the rest has room; a line below says so.
  func text(columns: Int?) -> String {
    let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    guard let columns, total(widths) > columns else { return lines(rows, widths) }
    var kept = alignments.count
    let first = min(widths[0], Self.shortest)
    while kept > 1, total([first] + widths[1..<kept]) > columns { kept -= 1 }
    let room = max(1, columns - total([0] + widths[1..<kept]))
    let fitting = rows.map { [$0[0].shortened(to: room)] + $0[1..<kept] }
    let text = lines(fitting, [min(widths[0], room)] + widths[1..<kept])
    guard kept < alignments.count else { return text }
    return text + "\n" + "(no room for: \(rows[0][kept...].joined(separator: ", ")))".shortened(to: columns)
  }

  private func total(_ widths: some Collection<Int>) -> Int { widths.reduce(0, +) + 2 * (widths.count - 1) }

  private func lines(_ rows: [[String]], _ widths: [Int]) -> String {
    rows.map { row in
      let cells = widths.indices.map { column in
        let fill = String(repeating: " ", count: widths[column] - row[column].count)
        return alignments[column] == .left ? row[column] + fill : fill + row[column]
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}

extension String {
  /// The text with as much of its middle left out as it takes to be so many characters.
  fileprivate func shortened(to length: Int) -> String {
    guard count > length else { return self }
    guard length > 4 else { return String(prefix(length)) }
    let head = (length - 2) / 2
    return "\(prefix(head))..\(suffix(length - 2 - head))"
  }
}
