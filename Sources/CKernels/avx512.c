#include "variants.h"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma"))), apply_to = function)

enum { WIDTH = 16 };
typedef __m512 vec;

static inline vec load(const float *p) { return _mm512_loadu_ps(p); }
static inline void store(float *p, vec v) { _mm512_storeu_ps(p, v); }
static inline vec load_part(const float *p, size_t n) {
  return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
static inline void store_part(float *p, vec v, size_t n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v);
}
static inline vec splat(float x) { return _mm512_set1_ps(x); }
static inline vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec fma_(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec quotient(vec a, vec b) { return _mm512_div_ps(a, b); }
/// The numbers of those bits.
static inline vec masked(vec v, uint32_t bits) {
  return _mm512_castsi512_ps(_mm512_and_epi32(_mm512_castps_si512(v), _mm512_set1_epi32((int)bits)));
}
/// The last bits as an exponent.
static inline vec raised(vec v) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(v), 23)); }
/// `a` where the sign bit is set, else `b`.
static inline vec by_sign(vec sign, vec a, vec b) {
  return _mm512_mask_blend_ps(_mm512_cmplt_epi32_mask(_mm512_castps_si512(sign), _mm512_setzero_si512()), b, a);
}
/// Bounds a vector; a NaN stays one, because the second operand wins where one is NaN.
static inline vec bound(vec v, vec low, vec high) { return _mm512_min_ps(high, _mm512_max_ps(low, v)); }

/// The nearest integer, and 2^n x rounded once: instructions here.
#define SCALES
static inline vec nearest(vec x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vec scaled(vec x, vec n) { return _mm512_scalef_ps(x, n); }
static inline vec scaled_beside_1(vec x, vec n) { return _mm512_scalef_ps(x, n); }

/// Transposes a 16 x 16 block in place.
static inline void transpose_block(vec r[WIDTH]) {
  __m512 t[WIDTH];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    for (int j = 0; j < 2; ++j) {
      __m512d a = _mm512_castps_pd(t[i + j]), b = _mm512_castps_pd(t[i + j + 2]);
      r[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
      r[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    }
  }
  for (int i = 0; i < 16; i += 8) {
    for (int j = 0; j < 4; ++j) {
      t[i + j] = _mm512_shuffle_f32x4(r[i + j], r[i + j + 4], 0x88);
      t[i + j + 4] = _mm512_shuffle_f32x4(r[i + j], r[i + j + 4], 0xdd);
    }
  }
  for (int j = 0; j < 8; ++j) {
    r[j] = _mm512_shuffle_f32x4(t[j], t[j + 8], 0x88);
    r[j + 8] = _mm512_shuffle_f32x4(t[j], t[j + 8], 0xdd);
  }
}

#define KERNELS lowrank_avx512
#define LINES lowrank_lines_avx512
#define KERNELS_NAME "AVX-512"
#define REGISTERS 32
#include "kernels.inc"
#pragma clang attribute pop
#endif
