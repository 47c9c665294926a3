internal import CKernels
import Conv

/// What is done to each element, or to each pair or triple of them.
package enum LineOperation: Hashable, Sendable {
  /// A function of one float.
  case unary(Unary)
  /// An activation of one float; not PReLU, which is `.binary(.negativeSlope)`.
  case activation(Activation)
  /// A function of two floats.
  case binary(Binary)
  /// Whether two numbers compare so; the result is an integer, 1 or 0.
  case comparison(Comparison, ofIntegers: Bool)
  /// A function of one integer.
  case integerUnary(IntegerUnary)
  /// A function of two integers.
  case integerBinary(IntegerBinary)
  /// A conversion, or a choice by an integer.
  case conversion(Conversion)
  /// `x y + w` of floats.
  case multiplyAdd

  /// Functions of one float.
  package enum Unary: UInt32, Sendable, CaseIterable {
    case copy, negate, absolute, squareRoot, reciprocal, exponential, logarithm, floor, ceiling, round, sign
    case errorFunction, sine, cosine, tangent, arcSine, arcCosine, arcTangent, hyperbolicSine,
      hyperbolicCosine
    case areaSine, areaCosine, areaTangent, softplus, softsign, mish, selu, celu, thresholdedReLU, shrink
  }

  /// Functions of two floats.
  package enum Binary: UInt32, Sendable, CaseIterable {
    case add, subtract, multiply, divide, power, minimum, maximum, remainder, modulus, negativeSlope
  }

  /// Orders of two numbers.
  package enum Comparison: UInt32, Sendable, CaseIterable {
    case equal, less, lessOrEqual, greater, greaterOrEqual
  }

  /// Functions of one integer.
  package enum IntegerUnary: UInt32, Sendable, CaseIterable {
    case copy, negate, absolute, sign, not, complement
  }

  /// Functions of two integers, which wrap around; a division by 0 gives 0.
  package enum IntegerBinary: UInt32, Sendable, CaseIterable {
    case add, subtract, multiply, divide, power, minimum, maximum, remainder, modulus, and, or, exclusiveOr
    case shiftLeft, shiftRight, unsignedShiftRight
  }

  /// Conversions between floats and integers, and choices by a truth value.
  package enum Conversion: UInt32, Sendable, CaseIterable {
    case toInteger, toFloat, isNaN, isInfinite, isNotZero, select, selectIntegers
  }

  /// Bytes of the elements of each operand, the result last.
  var sizes: [Int] {
    let (float, integer) = (4, 8)
    switch self {
    case .unary, .activation: return [float, float]
    case .binary: return [float, float, float]
    case .comparison(_, let ofIntegers):
      return ofIntegers ? [integer, integer, integer] : [float, float, integer]
    case .integerUnary: return [integer, integer]
    case .integerBinary: return [integer, integer, integer]
    case .multiplyAdd: return [float, float, float, float]
    case .conversion(let conversion):
      switch conversion {
      case .toInteger, .isNaN, .isInfinite, .isNotZero: return [float, integer]
      case .toFloat: return [integer, float]
      case .select: return [integer, float, float, float]
      case .selectIntegers: return [integer, integer, integer, integer]
      }
    }
  }

  /// The kernel of an instruction set, and the parameters that the operation itself has.
  func kernel(_ kernels: UnsafePointer<lowrank_line_kernels>) -> (
    kernel: lowrank_line_kernel?, alpha: Float, beta: Float
  ) {
    switch self {
    case .unary(let f): return (lowrank_unary_of(kernels, .init(f.rawValue)), 0, 0)
    case .binary(let f): return (lowrank_binary_of(kernels, .init(f.rawValue)), 0, 0)
    case .comparison(let f, let ofIntegers):
      return (lowrank_comparison_of(kernels, .init(f.rawValue), ofIntegers ? 1 : 0), 0, 0)
    case .integerUnary(let f): return (lowrank_integer_unary_of(kernels, .init(f.rawValue)), 0, 0)
    case .integerBinary(let f): return (lowrank_integer_binary_of(kernels, .init(f.rawValue)), 0, 0)
    case .conversion(let f): return (lowrank_conversion_of(kernels, .init(f.rawValue)), 0, 0)
    case .multiplyAdd: return (kernels.pointee.multiply_add, 0, 0)
    case .activation(let activation):
      let (code, alpha, beta) = activation.kernelParameters
      return (lowrank_activation_of(kernels, .init(code)), alpha, beta)
    }
  }
}
