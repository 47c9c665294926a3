import Tensors
import Testing

@testable import Conv

/// A product of matrices with its numbers, to be held against its definition.
struct ProductCase {
  let (rows, depth, columns): (Int, Int, Int)
  let a: [Float]
  let b: [Float]
  let bias: [Float]?
  /// What the product is added to.
  let start: [Float]?
  let activation: Activation

  /// Draws the numbers; half of the products have integers alone.
  init(
    _ rows: Int, _ depth: Int, _ columns: Int, hasBias: Bool = true, adds: Bool = false,
    activation: Activation = .none, _ cases: inout GeneratedCases
  ) {
    let integers = cases.number(0...1) == 0
    (self.rows, self.depth, self.columns) = (rows, depth, columns)
    func draw(_ count: Int) -> [Float] {
      let tensor: Tensor<Float> = integers ? cases.integers([count]) : cases.tensor([count])
      return tensor.elements
    }
    (a, b) = (draw(rows * depth), draw(depth * columns))
    bias = hasBias ? draw(columns) : nil
    start = adds ? draw(rows * columns) : nil
    var own = activation
    if case .prelu = activation {
      own = .prelu(slopes: (0..<columns).map { _ in Double(cases.number(-2...2)) / 4 })
    }
    self.activation = own
  }

  /// B with its columns side by side, as a fully connected layer has them.
  var transposed: [Float] { (0..<columns * depth).map { b[$0 % depth * columns + $0 / depth] } }

  /// The packed product; B as it lies or transposed.
  func product(isTransposed: Bool, _ options: MatrixProductOptions) -> MatrixProduct {
    MatrixProduct(
      isTransposed
        ? Tensor(shape: [columns, depth], elements: transposed)
        : Tensor(shape: [depth, columns], elements: b),
      isTransposed: isTransposed, bias: bias.map { Tensor(shape: [columns], elements: $0) },
      activation: activation, options: options)
  }

  /// The result of a product with matrices that lie as asked; records an issue where it writes elsewhere.
  func run(_ product: MatrixProduct, a layout: MatrixLayout = .rows, c output: MatrixLayout = .rows)
    -> [Float]
  {
    let from = GuardedMatrices(layout, rows: rows, columns: depth, elements: a)
    var to = GuardedMatrices(output, rows: rows, columns: columns, elements: start, isWritten: true)
    from.read { a in
      to.write { c in
        if start == nil {
          product.run(a, rows: rows, layout: layout, into: &c, layout: output)
        } else {
          product.run(a, rows: rows, layout: layout, addingTo: &c, layout: output)
        }
      }
    }
    #expect(to.marksAreWhole, "\(rows) x \(depth) x \(columns) wrote outside its result")
    return to.elements
  }

  /// What is wrong with a result: the product is a convolution over no axes.
  func fault(in result: [Float]) -> String? {
    guard
      let geometry = try? ConvolutionGeometry(batch: rows, kernelShape: [columns, depth], inputExtents: [])
    else { return "no such product" }
    var oracle = StageOracle(a.map { Double($0) }, unit: Double(Float.ulpOfOne) / 2)
    oracle.apply(geometry, weights: transposed.map { Double($0) })
    if let bias { oracle.add((0..<rows * columns).map { Double(bias[$0 % columns]) }) }
    if let start { oracle.add(start.map { Double($0) }) }
    oracle.activate(activation) { $0 % columns }
    return oracle.fault(in: Tensor<Float>(shape: [rows, columns], elements: result))
  }
}

/// Matrices in memory with gaps: NaN where they are read, marks where they are written.
struct GuardedMatrices {
  private let places: [Int]
  private let inner: Range<Int>
  private var memory: [Float]
  private static let mark: Float = 12_345

  /// Matrices of `elements`, in row-major order; of NaN where there are none.
  init(
    _ layout: MatrixLayout, rows: Int, columns: Int, batch: [Int] = [], elements: [Float]?,
    isWritten: Bool = false
  ) {
    let matrices = BatchedMatrices(layout, rows: rows, columns: columns, batch: batch, of: "a test's matrix")
    let (strides, count) = (matrices.strides, rows * columns)
    // More than the longest vector: a kernel that runs over by one is caught.
    inner = 32..<(32 + matrices.span)
    places = (0..<count * batch.reduce(1, *)).map { i in
      let (row, column) = (i % count / columns, i % columns)
      return 32 + matrices.offsets(i / count) + row * strides.row + column * strides.column
    }
    memory = [Float](repeating: isWritten ? Self.mark : .nan, count: matrices.span + 64)
    for (i, place) in places.enumerated() { memory[place] = elements?[i] ?? .nan }
  }

  func read(_ body: (Span<Float>) -> Void) { body(memory.span.extracting(inner)) }

  mutating func write(_ body: (inout MutableSpan<Float>) -> Void) {
    memory.withUnsafeMutableBufferPointer { memory in
      var span = UnsafeMutableBufferPointer(rebasing: memory[inner]).mutableSpan
      body(&span)
    }
  }

  var elements: [Float] { places.map { memory[$0] } }

  var marksAreWhole: Bool {
    var rest = memory
    for place in places { rest[place] = Self.mark }
    return rest.allSatisfy { $0 == Self.mark }
  }
}
