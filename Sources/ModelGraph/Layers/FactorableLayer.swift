internal import TensorFiles
public import Tensors

/// A node of a model that holds weights worth factoring: a convolution or a fully connected layer.
///
/// Whatever way the model stores the weight, `ModelGraph.kernel(of:)` gives it as `[T, S / groups, D...]`, output
/// channels first; fully connected layers as `[T, S]`.
public struct FactorableLayer: Sendable {
  /// The operators that are looked at.
  public enum Operator: String, Sendable, CaseIterable {
    /// A convolution.
    case conv = "Conv"
    /// A transposed convolution.
    case convTranspose = "ConvTranspose"
    /// `alpha A B + beta C` with a constant matrix.
    case gemm = "Gemm"
    /// A matrix product with a constant matrix.
    case matMul = "MatMul"

    /// Whether the layer has spatial axes.
    public var isConvolution: Bool { self == .conv || self == .convTranspose }
  }

  /// The node's name, or its first output's where it has none; made unique by a number where two nodes share it.
  public let name: String
  /// The operator.
  public let op: Operator
  /// `[T, S / groups, D...]`; nil where the weight could not be found.
  public let kernelShape: Shape?
  /// The number of groups.
  public let groups: Int
  /// What the weight's numbers are to the layer, however the file holds them; nil where it could not be found.
  public let elementType: ElementType?
  /// The value that holds the weight: layers with the same one share it.
  public let weight: String
  /// Why the layer cannot be factored, on one line; nil where it can.
  public let obstacle: String?
  /// Whether a BatchNormalization stands straight behind the layer and can be folded into it.
  public var foldsBatchNormalization: Bool { batchNormalization != nil }
  /// What folding that BatchNormalization multiplies each output channel of the kernel with; nil where there is none.
  public var foldedScale: [Double]? { batchNormalization?.scale }

  /// The place of the node in the main graph.
  public let node: Int
  /// In what order the axes of the weight are.
  package let layout: WeightLayout
  /// The BatchNormalization to fold.
  package let batchNormalization: BatchNormalization?
  /// The weight; nil where it could not be found.
  let stored: StoredWeight?
}

/// The order of the axes of a stored weight.
package enum WeightLayout: Sendable {
  /// `[T, S, ...]`, as kernels are here.
  case outputsFirst
  /// `[S, T, ...]`: of transposed convolutions and of matrices applied from the right.
  case inputsFirst
}

extension FactorableLayer {
  /// Which input of the node is not the weight.
  package var dataSide: Int { op == .matMul && layout == .outputsFirst ? 1 : 0 }
}

extension ModelGraph {
  /// The kernel of a layer, `[T, S / groups, D...]`, with BatchNormalization folded in where the layer has one to fold.
  ///
  /// **Throws** `ModelError` where the weight cannot be read.
  ///
  /// **Complexity** one copy of the weight, two where it has to be transposed.
  public func kernel(of layer: FactorableLayer) throws(ModelError) -> Tensor<Float> {
    let stored: Tensor<Float>?
    do throws(FileError) { stored = try layer.stored?.floats() } catch { throw .file(error) }
    guard var kernel = stored else {
      throw .tensor(path: path, name: layer.weight, reason: "its values cannot be read")
    }
    if layer.layout == .inputsFirst {
      kernel = kernel.permuted([1, 0] + Array(2..<kernel.shape.order))
    }
    return layer.batchNormalization?.scaled(kernel) ?? kernel
  }
}
