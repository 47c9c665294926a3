import TensorCore

extension ElementType {
  /// The type of ONNX's `TensorProto.DataType`, where it is one that weights have.
  init?(onnx dataType: Int32) {
    switch dataType {
    case 1: self = .float32
    case 10: self = .float16
    case 11: self = .float64
    case 16: self = .bfloat16
    default: return nil
    }
  }

  /// ONNX's number of the type.
  var onnx: Int32 {
    switch self {
    case .float32: 1
    case .float16: 10
    case .float64: 11
    case .bfloat16: 16
    }
  }
}

/// ONNX's number of the type of 64-bit integers, which shapes and indices have.
let int64DataType: Int32 = 7
/// ONNX's number of the type of 32-bit integers.
let int32DataType: Int32 = 6
