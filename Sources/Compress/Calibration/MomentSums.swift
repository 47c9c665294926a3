import Decompose
import LinearAlgebra
import Tensors

/// `ResponseMoments` on the way: patches and responses are gathered in blocks, each of which is added in two products.
///
/// **Memory** the sums, and `blockRows` rows of patches and responses in Double; all of them in Float where they are kept.
struct MomentSums {
  private(set) var count = 0
  private var patchSum: [Double]
  private var responseSum: [Double]
  private var responseEnergy: [Double]
  private var patchGram: Tensor<Double>
  private var crossGram: Tensor<Double>
  private var patches: Tensor<Double>
  private var responses: Tensor<Double>
  private var filled = 0
  /// The patches and responses themselves, where they are kept.
  private(set) var rows: ResponseRows?
  private let metric: ResponseMetric?
  private let threads: Int

  private static let blockRows = 512

  /// Sums of responses in the coordinates of `metric`; rows that are kept are the responses themselves.
  init(
    patch: Int, responses count: Int, metric: ResponseMetric? = nil, threads: Int, keepsRows: Bool = false
  ) {
    self.metric = metric
    patchSum = [Double](repeating: 0, count: patch)
    responseSum = [Double](repeating: 0, count: count)
    responseEnergy = responseSum
    patchGram = Tensor(shape: [patch, patch])
    crossGram = Tensor(shape: [count, patch])
    patches = Tensor(shape: [Self.blockRows, patch])
    responses = Tensor(shape: [Self.blockRows, count])
    self.threads = threads
    rows = keepsRows ? ResponseRows() : nil
  }

  /// Adds positions: `fill` writes the patch of a position into a row of the first matrix and the response into one of the
  /// second.
  mutating func add(
    _ positions: some Sequence<Int>,
    fill: (
      _ position: Int, _ row: Int, _ patches: inout MutableSpan<Double>,
      _ responses: inout MutableSpan<Double>
    )
      -> Void
  ) {
    var iterator = positions.makeIterator()
    var next = iterator.next()
    while next != nil {
      var row = filled
      patches.withMutableSpan { patches in
        responses.withMutableSpan { responses in
          while let position = next, row < Self.blockRows {
            fill(position, row, &patches, &responses)
            row += 1
            next = iterator.next()
          }
        }
      }
      filled = row
      if filled == Self.blockRows { addBlock() }
    }
  }

  private mutating func addBlock() {
    rows?.add(patches: patches, responses: responses, count: filled)
    let responses = metric?.weighed(responses: responses) ?? responses
    GramSums.add(gramOf: patches, count: filled, to: &patchGram, threads: threads)
    GramSums.add(productOf: responses, and: patches, count: filled, to: &crossGram, threads: threads)
    let (n, outputs) = (patchSum.count, responseSum.count)
    patches.withSpan { patches in
      for row in 0..<filled {
        for i in 0..<n { patchSum[i] += patches[row * n + i] }
      }
    }
    responses.withSpan { responses in
      for row in 0..<filled {
        for t in 0..<outputs {
          let y = responses[row * outputs + t]
          responseSum[t] += y
          responseEnergy[t] += y * y
        }
      }
    }
    count += filled
    filled = 0
  }

  /// The sums over all positions added, completed where they are: nothing may be added to them afterwards.
  mutating func moments() -> ResponseMoments {
    addBlock()
    GramSums.mirror(&patchGram)
    return ResponseMoments(
      count: count, patchSum: patchSum, responseSum: responseSum, patchGram: patchGram, crossGram: crossGram,
      responseEnergy: responseEnergy)
  }
}
