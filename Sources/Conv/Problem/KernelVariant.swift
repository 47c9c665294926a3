internal import CKernels

/// An instruction set that the kernels are written for.
public enum KernelVariant: String, Hashable, Sendable, CaseIterable {
  /// Plain C, for every processor.
  case scalar
  /// 256-bit vectors with banded multiply-add (x86-64).
  case avx2
  /// 512-bit vectors (x86-64).
  case avx512
  /// Advanced SIMD (AArch64).
  case neon

  /// Whether this processor and this build have it.
  public var isAvailable: Bool { table != nil }

  /// The variants that this processor and this build have, the slowest first.
  public static var available: [KernelVariant] { allCases.filter(\.isAvailable) }

  /// The variant that plans use unless told otherwise.
  public static var best: KernelVariant { available.last ?? .scalar }

  /// The variant's number among those of the kernels.
  package var number: UInt32 { code.rawValue }

  /// The floats of a vector, which a plan computes together; 1 where the variant is not available.
  package var lanes: Int { table.map { Int($0.pointee.width) } ?? 1 }

  private var code: lowrank_variant {
    switch self {
    case .scalar: LOWRANK_SCALAR
    case .avx2: LOWRANK_AVX2
    case .avx512: LOWRANK_AVX512
    case .neon: LOWRANK_NEON
    }
  }

  /// The functions of the variant; null where it is not available.
  var table: UnsafePointer<lowrank_kernels>? { lowrank_kernels_of(code) }
}
