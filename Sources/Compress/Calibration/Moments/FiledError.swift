import Decompose
import Forms
import ModelGraph
import Synchronization
import TensorFiles
import Tensors

/// `ForetoldError` of layers whose moments lie in files, which are read again where factors are wanted.
struct FiledError: ErrorMeasure {
  var foretold = ForetoldError()
  /// By the name of the first of the layers that share a kernel: what errors of their responses count.
  var metrics: [String: LayerMetric] = [:]
  let source: MomentsSource
  private let failure = ReadingFailure()

  init(source: MomentsSource) { self.source = source }

  var title: String { foretold.title }
  var phrase: String { foretold.phrase }

  func analysis(
    of kernel: Tensor<Float>, group: Int, layer: MeasuredLayer, kind: FormKind
  ) throws(DecomposeError) -> any FormAnalysis {
    let known = try foretold.analysis(of: kernel, group: group, layer: layer, kind: kind)
    guard foretold.layers[layer.names[0]] != nil else { return known }
    let metric = metrics[layer.names[0]]?[group]
    return FiledAnalysis(known, group: group, name: layer.names[0], metric, source, failure)
  }

  func requireSound() throws(CompressError) {
    if let error = failure.first { throw .model(.file(error)) }
  }

  func error(of layer: MeasuredLayer, in candidate: RankedForm) -> Double {
    foretold.error(of: layer, in: candidate)
  }
}

/// The first file that could not be read, of all analyses on all threads.
private final class ReadingFailure: Sendable {
  private let error = Mutex<FileError?>(nil)

  var first: FileError? { error.withLock { $0 } }

  func note(_ new: FileError) { error.withLock { $0 = $0 ?? new } }
}

/// An analysis whose errors are at hand, and whose factors are fitted to what the files hold, once they are wanted.
private final class FiledAnalysis: FormAnalysis {
  private let known: any FormAnalysis
  private let group: Int
  private let name: String
  private let metric: ResponseMetric?
  private let source: MomentsSource
  private let failure: ReadingFailure
  private var fit: (any FormAnalysis)?

  init(
    _ known: any FormAnalysis, group: Int, name: String, _ metric: ResponseMetric?, _ source: MomentsSource,
    _ failure: ReadingFailure
  ) {
    (self.known, self.group, self.name, self.metric) = (known, group, name, metric)
    (self.source, self.failure) = (source, failure)
  }

  var kind: FormKind { known.kind }
  var kernel: Tensor<Float> { known.kernel }
  var energy: Double { known.energy }
  var curves: [SpectrumCurve] { known.curves }

  func candidates(multiple: Int) throws(DecomposeError) -> [RankedForm] {
    try known.candidates(multiple: multiple)
  }

  func relativeError(_ form: FactoredForm) throws(DecomposeError) -> Double {
    try known.relativeError(form)
  }

  func ranks(energy: Double) throws(DecomposeError) -> [Int] { try known.ranks(energy: energy) }

  func variationalRanks(factor: Double) throws(DecomposeError) -> [Int] {
    try known.variationalRanks(factor: factor)
  }

  func decomposition(_ form: FactoredForm) throws(DecomposeError) -> Decomposition<Float> {
    if let fit { return try fit.decomposition(form) }
    let made = try fitted()
    fit = made
    return try made.decomposition(form)
  }

  func mapped(
    _ decomposition: Decomposition<Float>, _ transform: (Tensor<Float>) -> Tensor<Float>
  ) -> Decomposition<Float> {
    (fit ?? known).mapped(decomposition, transform)
  }

  private func fitted() throws(DecomposeError) -> any FormAnalysis {
    let layer: FiledLayer?
    do throws(FileError) { layer = try source.layer(name) } catch {
      failure.note(error)
      throw .unsuitableMoments(kernel: kernel.shape, reason: error.description)
    }
    guard let reading = source.reading(name), let layer else {
      throw .unsuitableMoments(kernel: kernel.shape, reason: "no file holds them")
    }
    let fit = try ResponseFit(
      kernel, layer.sums(group: group, kernel, metric), metric: LayerMetric([metric]),
      fitsBias: reading.fitsBias)
    return try fit.problems[0].analysis(kind)
  }
}
