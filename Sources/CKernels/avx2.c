#include "variants.h"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

enum { WIDTH = 8 };
typedef __m256 vec;

static inline vec load(const float *p) { return _mm256_loadu_ps(p); }
static inline void store(float *p, vec v) { _mm256_storeu_ps(p, v); }
static inline __m256i first(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vec load_part(const float *p, size_t n) { return _mm256_maskload_ps(p, first(n)); }
static inline void store_part(float *p, vec v, size_t n) { _mm256_maskstore_ps(p, first(n), v); }
static inline vec splat(float x) { return _mm256_set1_ps(x); }
static inline vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec fma_(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec quotient(vec a, vec b) { return _mm256_div_ps(a, b); }
/// The numbers of those bits.
static inline vec masked(vec v, uint32_t bits) {
  return _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32((int)bits)));
}
/// The last bits as an exponent.
static inline vec raised(vec v) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(v), 23)); }
/// `a` where the sign bit is set, else `b`.
static inline vec by_sign(vec sign, vec a, vec b) { return _mm256_blendv_ps(b, a, sign); }
/// Bounds a vector; a NaN stays one, because the second operand wins where one is NaN.
static inline vec bound(vec v, vec low, vec high) { return _mm256_min_ps(high, _mm256_max_ps(low, v)); }

/// Transposes an 8 x 8 block in place.
static inline void transpose_block(vec r[WIDTH]) {
  __m256 t[WIDTH];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; ++j) {
      __m256d a = _mm256_castps_pd(t[i + j]), b = _mm256_castps_pd(t[i + j + 2]);
      r[i + 2 * j] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
      r[i + 2 * j + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
    }
  }
  for (int j = 0; j < 4; ++j) {
    __m256 a = r[j], b = r[j + 4];
    r[j] = _mm256_permute2f128_ps(a, b, 0x20);
    r[j + 4] = _mm256_permute2f128_ps(a, b, 0x31);
  }
}

#define KERNELS lowrank_avx2
#define LINES lowrank_lines_avx2
#define KERNELS_NAME "AVX2"
#define REGISTERS 16
#include "kernels.inc"
#pragma clang attribute pop
#endif
