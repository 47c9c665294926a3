import Tensors

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

/// The bits of one element of raw data, by ONNX's number of the type; nil for strings and types of later standards.
func bitsPerElement(onnx dataType: Int32) -> Int? {
  switch dataType {
  case 25, 26: 2
  case 21, 22, 23: 4
  case 2, 3, 9, 17, 18, 19, 20, 24: 8
  case 4, 5, 10, 16: 16
  case 1, 6, 12: 32
  case 7, 11, 13, 14: 64
  case 15: 128
  default: nil
  }
}

/// ONNX's number of the type of 64-bit integers, which shapes and indices have.
let int64DataType: Int32 = 7
/// ONNX's number of the type of 32-bit integers.
let int32DataType: Int32 = 6
