#include "variants.h"

/// The kernels of one instruction set, or null where the processor or the build does not have them.
const struct lowrank_kernels *lowrank_kernels_of(enum lowrank_variant variant) {
  switch (variant) {
    case LOWRANK_SCALAR: return &lowrank_scalar;
#if defined(__x86_64__)
    case LOWRANK_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &lowrank_avx2 : NULL;
    case LOWRANK_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma") ? &lowrank_avx512 : NULL;
#elif defined(__aarch64__)
    // Advanced SIMD is part of every AArch64 processor that a Swift system runs on.
    case LOWRANK_NEON: return &lowrank_neon;
#endif
    default: return NULL;
  }
}
