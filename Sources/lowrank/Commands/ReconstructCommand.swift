import ArgumentParser
import Decompose
import TensorFiles
import Tensors

/// `lowrank reconstruct`
struct ReconstructCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconstruct", abstract: "Multiplies factors out to the kernel that they stand for.")

  @Argument(help: "The factors, as decompose writes them.", completion: .file(extensions: ["safetensors"]))
  var factors: String

  @Option(name: [.short, .long], help: "The kernel to write.", completion: .file(extensions: ["npy"]))
  var output: String

  func run() throws {
    var outputs = try OutputSet(reading: [factors], writing: [.init("-o", output)])
    let file = try SafetensorsFile(contentsOf: factors)
    let isDouble = file.tensors.values.contains { $0.type == .float64 }
    let kernel: AnyTensor
    if isDouble {
      kernel = .double(try FactorsFile.factors(file, path: factors, as: Double.self).reconstructed())
    } else {
      kernel = .float(try FactorsFile.factors(file, path: factors, as: Float.self).reconstructed())
    }
    try outputs.write(NPYFile.data(kernel), to: output)
    try outputs.finish(printing: "\(output) written: \(kernel.shape)")
  }
}
