/// One stage over two spatial axes; a stage over one axis is a stage over planes of height 1, and one over none a stage over
/// planes of one pixel, or of one row with a pixel for each image.
struct PlaneGeometry: Sendable {
  let inputChannels: Int
  let outputChannels: Int
  let groups: Int
  var inputHeight: Int
  let inputWidth: Int
  var outputHeight: Int
  let outputWidth: Int
  let kernel: (height: Int, width: Int)
  let stride: (height: Int, width: Int)
  let dilation: (height: Int, width: Int)
  let padding: (top: Int, left: Int)

  /// Nil where the convolution has another number of spatial axes. Over no axes there are `pixels` pixels.
  init?(_ g: ConvolutionGeometry, pixels: Int = 1) {
    guard g.order <= 2 else { return nil }
    func plane(_ values: [Int], _ missing: Int) -> (height: Int, width: Int) {
      g.order == 2 ? (values[0], values[1]) : (missing, values.first ?? missing)
    }
    inputChannels = g.inputChannels
    outputChannels = g.outputChannels
    groups = g.groups
    (inputHeight, inputWidth) = plane(g.order == 0 ? [pixels] : g.inputExtents, 1)
    (outputHeight, outputWidth) = plane(g.order == 0 ? [pixels] : g.outputExtents, 1)
    kernel = plane(g.kernel, 1)
    stride = plane(g.stride, 1)
    dilation = plane(g.dilation, 1)
    let before = plane(g.paddingBefore, 0)
    padding = (before.height, before.width)
  }

  /// The input rows that some output rows read, numbered over the edges: those before 0 and from `inputHeight` on are
  /// padding.
  ///
  /// The rings, the lists of pointers, the loops and the cost model all count rows with this function.
  func rowsRead(by rows: Range<Int>) -> Range<Int> {
    guard !rows.isEmpty else { return 0..<0 }
    let first = rows.lowerBound * stride.height - padding.top
    let last = (rows.upperBound - 1) * stride.height - padding.top + (kernel.height - 1) * dilation.height
    return first..<(last + 1)
  }

  /// Whether every output reads the input of the same place only.
  var isPointwise: Bool {
    kernel == (1, 1) && stride == (1, 1) && padding == (0, 0) && outputHeight == inputHeight
      && outputWidth == inputWidth
  }

  /// Whether each channel is convolved by itself.
  var isDepthwise: Bool { groups > 1 && groups == inputChannels && groups == outputChannels }

  /// The Winograd forms that apply and that the options allow; nil for the definition's own multiplies.
  func winogradForms(_ allowed: ConvolutionOptions.Winograd) -> [WinogradForm?] {
    // A dilation that is longer than the output leaves tiles of a pixel.
    guard stride == (1, 1), groups == 1, kernel.height == 1 || dilation.height <= outputHeight,
      kernel.width == 1 || dilation.width <= outputWidth
    else { return [nil] }
    let forms = WinogradForm.all.filter { kernel == $0.kernels }
    switch allowed {
    case .off: return [nil]
    case .automatic: return [nil] + forms
    case .tile(let tile):
      let asked = forms.filter { $0.tile == tile }
      return asked.isEmpty ? [nil] : asked
    }
  }
}
