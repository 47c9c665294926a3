import Foundation
import Forms
import Tensors
import TestSupport
import Testing

/// The numbers of the articles that follow from formulas; `scripts/docs.sh` recomputes the rest.
@Suite struct ArticleTests {
  /// `| form | stage | from, to | kernel | weights | multiplies |` for the layer of `Forms.md`.
  @Test func stagesOfTheWorkedLayer() throws {
    let root = URL(fileURLWithPath: Vectors.example("")).deletingLastPathComponent()
      .deletingLastPathComponent()
    let article = root.appendingPathComponent("Sources/Decompose/Documentation.docc/Forms.md")
    let lines = try String(contentsOf: article, encoding: .utf8).split(separator: "\n")
    let rows = lines.map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
    let stages = rows.filter { $0.count == 6 && $0[0].hasPrefix("`") }
    let forms = Set(stages.map { $0[0] })
    #expect(forms.count == 6)
    for name in forms {
      let form = try #require(FactoredForm(name.filter { $0 != "`" }))
      #expect(stages.filter { $0[0] == name }.map { Array($0.dropFirst()) } == expected(form))
    }
    let totals = rows.filter { $0.count == 4 && forms.contains($0[0]) }
    #expect(totals.count == 5)
    for row in totals {
      let form = try #require(FactoredForm(row[0].filter { $0 != "`" }))
      #expect(row[1] == text(form.weightCount(kernel: kernel)))
      #expect(row[2] == text(form.multiplies(kernel: kernel, input: [7, 7], output: [7, 7])))
    }
  }

  private let kernel: Shape = [128, 64, 3, 3]

  private func expected(_ form: FactoredForm) -> [[String]] {
    form.stages(kernel: kernel).map { stage in
      let depthwise = stage.groups > 1 ? " depthwise" : ""
      return [
        stage.name, "\(stage.inputs), \(stage.outputs)",
        stage.kernel.map(String.init).joined(separator: "x") + depthwise, text(stage.weightCount),
        text(stage.weightCount * 49),
      ]
    }
  }

  private func text(_ number: Int) -> String {
    var groups: [String] = []
    var rest = number
    while rest >= 1000 {
      groups.insert(String(String(rest % 1000 + 1000).dropFirst()), at: 0)
      rest /= 1000
    }
    return ([String(rest)] + groups).joined(separator: " ")
  }
}
