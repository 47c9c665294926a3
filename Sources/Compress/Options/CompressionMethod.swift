/// Which forms a layer may be brought into.
public enum CompressionMethod: String, Sendable, CaseIterable {
  /// Whatever suits the layer best: every form for kernels with spatial extents, two matrices for 1x1 convolutions and
  /// fully connected layers. CP forms are considered under a budget only, as their errors have to be found by trying.
  case auto
  /// Tucker-2 only; layers without spatial extents are kept.
  case tucker2
  /// CP over the channel modes only; layers without spatial extents are kept.
  case cp3
  /// CP over all modes only; layers without two spatial axes are kept.
  case cp4
  /// A D x 1 and a 1 x D convolution, in the cheaper order; layers without two spatial axes are kept.
  case spatial
  /// A D x D convolution and a 1x1, in the cheaper order; layers without spatial extents are kept.
  case channel
  /// Two matrices only; kernels with spatial extents are kept.
  case svd
}
