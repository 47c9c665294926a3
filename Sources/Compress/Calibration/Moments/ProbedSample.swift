import Network

/// What an error of one layer did to the network's outputs on one sample: see `MomentsProbe`.
struct ProbedSample: Sendable, Equatable {
  /// The sample's place in the whole set.
  let number: Int
  /// The sum of the squares of the response's error, and the elements that this is over.
  let response: Double
  let elements: Int
  /// One an output of the network.
  let outputs: [OutputDifference.Sums]

  init(number: Int, response: Double, elements: Int, outputs: [OutputDifference.Sums]) {
    (self.number, self.response, self.elements, self.outputs) = (number, response, elements, outputs)
  }

  /// As a row of a file has it; nil where the numbers are none that a probe gives.
  init?(_ numbers: [Double]) {
    guard numbers.count >= 3, numbers.count % 4 == 3,
      numbers.indices.allSatisfy({ numbers[$0].isFinite && ($0 % 4 == 1 || numbers[$0] >= 0) }),
      let number = Int(exactly: numbers[0]), let elements = Int(exactly: numbers[2]),
      elements <= BinnedSums.mostElements
    else { return nil }
    var outputs: [OutputDifference.Sums] = []
    for place in stride(from: 3, to: numbers.count, by: 4) {
      guard let count = Int(exactly: numbers[place]), count <= BinnedSums.mostElements else { return nil }
      outputs.append(
        .init(
          count: count, squared: numbers[place + 1], sum: numbers[place + 2], energy: numbers[place + 3]))
    }
    self.init(number: number, response: numbers[1], elements: elements, outputs: outputs)
  }

  var numbers: [Double] {
    [Double(number), response, Double(elements)]
      + outputs.flatMap { [Double($0.count), $0.squared, $0.sum, $0.energy] }
  }
}
