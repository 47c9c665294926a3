#include "narrow.h"

#include <string.h>

// As in scalar.c.
#pragma STDC FP_CONTRACT OFF

enum { WIDTH = 1, TALL = 2 };
typedef float vec;

static inline vec load(const float *p) { return *p; }
static inline void store(float *p, vec v) { *p = v; }
static inline vec splat(float x) { return x; }
static inline vec mul(vec a, vec b) { return a * b; }
static inline vec fma_(vec a, vec b, vec c) { return a * b + c; }

/// A number of IEEE half precision: its exponent is brought to the place and the bias of a float's, and subnormal numbers
/// are what is over the least normal one.
static inline vec halves_at(const uint16_t *p) {
  const uint32_t sign = (uint32_t)(*p & 0x8000) << 16, magnitude = *p & 0x7FFF;
  uint32_t bits;
  if (magnitude >= 0x7C00) {
    bits = (magnitude << 13) + (112u << 23) + (112u << 23);
  } else if (magnitude >= 0x400) {
    bits = (magnitude << 13) + (112u << 23);
  } else {
    const float small = (float)magnitude * 0x1p-24f;
    memcpy(&bits, &small, sizeof bits);
  }
  bits |= sign;
  vec v;
  memcpy(&v, &bits, sizeof v);
  return v;
}
static inline vec bytes_at(const int8_t *p) { return (float)*p; }

#define NARROW lowrank_narrow_scalar
#include "narrow.inc"

const struct lowrank_narrow_kernels *lowrank_narrow_kernels_of(enum lowrank_variant variant) {
  if (!lowrank_kernels_of(variant)) return NULL;
  switch (variant) {
    case LOWRANK_SCALAR: return &lowrank_narrow_scalar;
#if defined(__x86_64__)
    case LOWRANK_AVX2: return __builtin_cpu_supports("f16c") ? &lowrank_narrow_avx2 : NULL;
    case LOWRANK_AVX512: return &lowrank_narrow_avx512;
#elif defined(__aarch64__)
    case LOWRANK_NEON: return &lowrank_narrow_neon;
#endif
    default: return NULL;
  }
}
