#include "narrow.h"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma"))), apply_to = function)

enum { WIDTH = 16, TALL = 4 };
typedef __m512 vec;

static inline vec load(const float *p) { return _mm512_loadu_ps(p); }
static inline void store(float *p, vec v) { _mm512_storeu_ps(p, v); }
static inline vec splat(float x) { return _mm512_set1_ps(x); }
static inline vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec fma_(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec halves_at(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
static inline vec bytes_at(const int8_t *p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}

/// For one row widening is what takes the time, and processors that split vectors of 512 bits (Zen 4) widen twice eight halves
/// faster than once sixteen. A panel's eight sums hide the latency of each.
#define HALVES_OF_ONE_ROW
static void halves_1(const struct lowrank_narrow *g, const uint16_t *w, const float *x, float *z, const float *scales) {
  (void)scales;
  __m256 sum[8];
  for (int v = 0; v < 8; ++v) sum[v] = _mm256_setzero_ps();
  for (size_t k = 0; k < g->depth; ++k, w += 8 * 8) {
    const __m256 a = _mm256_set1_ps(x[k]);
    _Pragma("clang loop unroll(full)") for (int v = 0; v < 8; ++v) {
      sum[v] = _mm256_fmadd_ps(a, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(w + v * 8))), sum[v]);
    }
  }
  for (int v = 0; v < 8; ++v) _mm256_storeu_ps(z + v * 8, sum[v]);
}

#define NARROW lowrank_narrow_avx512
#include "narrow.inc"
#pragma clang attribute pop
#endif
