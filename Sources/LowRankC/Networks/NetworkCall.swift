internal import CLowRank
internal import Network

/// The inputs and outputs of a call, checked against each other.
struct NetworkCall {
  let inputs: [InputArray]
  let outputs: [OutputArray]

  /// The most arrays of a call on each side.
  private static var mostArrays: Int { 1024 }

  init(
    _ inputs: UnsafePointer<UnsafePointer<lowrank_array>?>?, _ inputCount: Int32,
    _ outputs: UnsafePointer<UnsafeMutablePointer<lowrank_array>?>?, _ outputCount: Int32, of network: Network
  ) throws(Failure) {
    let inputCount = try number(inputCount, in: 0...Self.mostArrays, "input_count")
    let outputCount = try number(outputCount, in: 1...Self.mostArrays, "output_count")
    var given: [InputArray] = []
    if inputCount > 0 {
      for (place, array) in try buffer(inputs, count: inputCount, "inputs").enumerated() {
        given.append(try InputArray(array, at: place, among: network.inputs, "inputs[\(place)]"))
      }
    }
    for (place, input) in given.enumerated() where given[..<place].contains(where: { $0.name == input.name })
    {
      throw Failure(LOWRANK_INVALID_ARGUMENT, "inputs[\(place)] is '\(input.name)' for the second time")
    }
    var wanted: [OutputArray] = []
    for (place, array) in try buffer(outputs, count: outputCount, "outputs").enumerated() {
      wanted.append(try OutputArray(array, at: place, of: network))
    }
    (self.inputs, self.outputs) = (given, wanted)
  }

  /// What a plan is made for.
  var key: Key {
    Key(
      inputs: Dictionary(uniqueKeysWithValues: inputs.map { ($0.name, $0.shape) }),
      outputs: outputs.map(\.name))
  }

  struct Key: Hashable {
    let inputs: [String: InputShape]
    let outputs: [String]
  }

  /// Throws where an output's memory is shared with an input's or another output's.
  static func requireApart(_ inputs: [ElementBuffer], _ outputs: [ElementBuffer]) throws(Failure) {
    var taken: [ByteRange] = []
    for input in inputs {
      if let range = try input.byteRange() { taken.append(range) }
    }
    for output in outputs {
      guard let range = try output.byteRange() else { continue }
      for other in taken { try range.requireApart(from: other) }
      taken.append(range)
    }
  }
}
