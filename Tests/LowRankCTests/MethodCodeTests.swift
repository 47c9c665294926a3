import CLowRank
import Forms
import Testing

@testable import LowRankC

@Suite struct MethodCodeTests {
  /// Every kind of form has a number in the interface, which leads back to it.
  @Test(arguments: FormKind.all) func everyKindHasANumber(kind: FormKind) throws {
    let form = FactoredForm(kind, ranks: kind.ranks.indices.map { 3 + $0 })
    let ranks = form.ranks.map { Int64($0) }
    #expect(try lowrank_method(form).form(ranks, count: Int32(ranks.count)) == form)
    #expect(throws: Failure.self) { try lowrank_method(form).form(ranks, count: Int32(ranks.count + 1)) }
  }

  @Test func otherNumbersAreErrors() {
    #expect(throws: Failure.self) { try lowrank_method(rawValue: 99).form(nil, count: 0) }
  }
}
