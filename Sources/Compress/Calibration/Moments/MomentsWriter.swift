import TensorFiles
import Tensors

/// A moments file on its way, layer by layer: no more than one of them is in memory.
struct MomentsWriter: ~Copyable {
  private var writer: SafetensorsWriter

  init() throws(FileError) { writer = try SafetensorsWriter() }

  /// Appends a layer.
  mutating func append(_ layer: BinnedLayer, node: Int) throws(FileError) {
    for (group, parts) in layer.groups.enumerated() {
      for (name, part) in [("fitted", parts.fitted), ("heldOut", parts.heldOut)] {
        let prefix = "\(node).\(group).\(name)."
        let about = [Double(part.count)] + part.sums.map(\.place)
        try writer.append(Tensor(shape: [about.count], elements: about), named: prefix + "about")
        for (name, sums) in zip(BinnedMoments.names, part.sums) { try append(sums, named: prefix + name) }
      }
    }
    if let weighing = layer.weighing { try append(weighing, node: node) }
    guard let first = layer.probes.first else { return }
    let numbers = layer.probes.flatMap(\.numbers)
    try writer.append(
      Tensor(shape: [layer.probes.count, first.numbers.count], elements: numbers), named: "\(node).probe")
  }

  private mutating func append(_ sums: BinnedSums, named name: String) throws(FileError) {
    try writer.append(Tensor(shape: [2, sums.count], elements: sums.upper + sums.lower), named: name)
  }

  private mutating func append(_ weighing: BinnedLayer.Weighing, node: Int) throws(FileError) {
    let outputs = weighing.gradients.outputs
    let rows = outputs.flatMap { output in
      [Double(output.answers.count)]
        + [output.answers.sum, output.answers.energy].flatMap { [$0.place, $0.upper[0], $0.lower[0]] }
    }
    try writer.append(Tensor(shape: [outputs.count, 7], elements: rows), named: "\(node).answers")
    for (group, error) in weighing.errors.enumerated() {
      let prefix = "\(node).\(group).outputs."
      let grams = outputs.map { $0.grams[group] }
      let about = ([error] + grams).map(\.place)
      try writer.append(Tensor(shape: [about.count], elements: about), named: prefix + "about")
      try append(error, named: prefix + "error")
      for (output, gram) in grams.enumerated() { try append(gram, named: "\(prefix)\(output)") }
    }
  }

  /// Writes the file, to appear with the others of a transaction.
  consuming func write(
    _ header: MomentsHeader, to path: String, in files: inout FileTransaction
  ) throws(FileError) {
    try writer.write(metadata: header.metadata, to: path, in: &files)
  }
}

extension BinnedSums {
  /// The place of the upper digits as files have it.
  fileprivate var place: Double { bin.map { Double($0) } ?? MomentsFile.nothing }
}
