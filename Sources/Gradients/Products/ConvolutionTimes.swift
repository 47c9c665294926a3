import Conv
import Tensors

/// How long a convolution takes forward and backward, on one thread.
package struct ConvolutionTimes: Sendable {
  /// The least seconds of a run forward.
  package private(set) var forward = Double.infinity
  /// The least seconds of the gradient of the input.
  package private(set) var inputGradient = Double.infinity
  /// The least seconds of the gradient of the kernel.
  package private(set) var kernelGradient = Double.infinity

  /// Multiplies a second backward over those forward: backward has twice as many.
  package var rate: Double { 2 * forward / (inputGradient + kernelGradient) }

  /// Times a convolution of random numbers, `runs` times each in turn.
  ///
  /// **Throws** `ConvError` where the engine has no such convolution.
  package init(_ geometry: ConvolutionGeometry, runs: Int) throws(ConvError) {
    let gradients = ConvolutionGradients(geometry)
    var generator = SeededGenerator(seed: 1)
    let kernel = generator.tensor(geometry.kernelShape, of: Float.self)
    let x = generator.tensor(geometry.inputShape, of: Float.self)
    let gradient = generator.tensor(geometry.outputShape, of: Float.self)
    let weights = ConvolutionWeights(kernel: kernel, bias: nil)
    let clock = ContinuousClock()
    func time(_ least: inout Double, _ body: () throws(ConvError) -> Void) throws(ConvError) {
      let start = clock.now
      try body()
      least = min(least, (clock.now - start) / .seconds(1))
    }
    for _ in 0...runs {
      try time(&forward) { () throws(ConvError) in _ = try weights.forward(x, gradients) }
      try time(&inputGradient) { () throws(ConvError) in _ = try weights.backward(gradient, gradients) }
      try time(&kernelGradient) { () throws(ConvError) in _ = gradients.kernelGradient(x, gradient) }
    }
  }
}
