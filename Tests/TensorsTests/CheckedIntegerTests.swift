import Tensors
import Testing

@Suite struct CheckedIntegerTests {
  static let numbers: [Int] = [
    .min, .min + 1, -(1 << 31), -7, -1, 0, 1, 2, 7, 1 << 31, 1 << 62, .max - 1, .max,
  ]

  /// The overflow-reporting operations of the standard library are the definition.
  @Test(arguments: numbers, numbers)
  func arithmeticIsThatOfIntegersOrNone(x: Int, y: Int) {
    let (a, b) = (CheckedInteger(x), CheckedInteger(y))
    func defined(_ result: (partialValue: Int, overflow: Bool)) -> Int? {
      result.overflow ? nil : result.partialValue
    }
    #expect((a + b).value == defined(x.addingReportingOverflow(y)))
    #expect((a - b).value == defined(x.subtractingReportingOverflow(y)))
    #expect((a * b).value == defined(x.multipliedReportingOverflow(by: y)))
    #expect((a / b).value == defined(x.dividedReportingOverflow(by: y)))
    #expect(CheckedInteger.least(a, b).value == min(x, y))
    #expect(CheckedInteger.greatest(a, b).value == max(x, y))
    #expect(CheckedInteger.sum([x, y]) == a + b)
    #expect(CheckedInteger.product([x, y]) == a * b)
  }

  @Test func noneStaysNone() throws {
    struct Impossible: Error {}
    let none = CheckedInteger(.max) + 1
    for result in [none * 0, none - none, 0 / none, .least(none, 1), .sum([1, nil]), .product([0, nil])] {
      #expect(result.value == nil)
      #expect(throws: Impossible.self) { try result.required(orThrow: Impossible()) }
    }
    #expect(try CheckedInteger(7).required(orThrow: Impossible()) == 7)
  }

  @Test func quotientsAreRoundedUp() {
    for (number, divisor, expected) in [(0, 3, 0), (1, 3, 1), (3, 3, 1), (4, 3, 2)] {
      #expect(CheckedInteger(number).dividedRoundingUp(by: CheckedInteger(divisor)).value == expected)
    }
    #expect(CheckedInteger(1).dividedRoundingUp(by: 0).value == nil)
    #expect(CheckedInteger(.max).dividedRoundingUp(by: 2).value == nil)
  }

  /// An extent of 0 makes the count 0, but the strides, and the shape with its axes in another order, overflow.
  @Test(arguments: [[0, 1 << 62, 1 << 62], [1 << 62, 0, 1 << 62], [1 << 62, 1 << 62, 0], [-1], [-1, 0]])
  func shapesWithAnExtentOfZeroOverflowToo(extents: [Int]) {
    #expect(Shape(checking: extents) == nil)
  }

  @Test func emptyShapesAreShapes() {
    #expect(Shape(checking: [0, 3, 5])?.count == 0)
    #expect(Shape(checking: [0])?.strides == [1])
  }
}
