#include "variants.h"

#if defined(__aarch64__)
#include <arm_neon.h>

enum { WIDTH = 4 };
typedef float32x4_t vec;

static inline vec load(const float *p) { return vld1q_f32(p); }
static inline void store(float *p, vec v) { vst1q_f32(p, v); }
static inline vec load_part(const float *p, size_t n) {
  float t[WIDTH] = {0};
  for (size_t i = 0; i < n; ++i) t[i] = p[i];
  return vld1q_f32(t);
}
static inline void store_part(float *p, vec v, size_t n) {
  float t[WIDTH];
  vst1q_f32(t, v);
  for (size_t i = 0; i < n; ++i) p[i] = t[i];
}
static inline vec splat(float x) { return vdupq_n_f32(x); }
static inline vec add(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec sub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec fma_(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
static inline vec quotient(vec a, vec b) { return vdivq_f32(a, b); }
/// The numbers of those bits.
static inline vec masked(vec v, uint32_t bits) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), vdupq_n_u32(bits)));
}
/// The last bits as an exponent.
static inline vec raised(vec v) { return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(v), 23)); }
/// `a` where the sign bit is set, else `b`.
static inline vec by_sign(vec sign, vec a, vec b) {
  return vbslq_f32(vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_f32(sign), 31)), a, b);
}
/// Bounds a vector; a NaN stays one, as FMIN and FMAX have it.
static inline vec bound(vec v, vec low, vec high) { return vminq_f32(high, vmaxq_f32(low, v)); }

/// Transposes a 4 x 4 block in place.
static inline void transpose_block(vec r[WIDTH]) {
  float32x4x2_t a = vtrnq_f32(r[0], r[1]), b = vtrnq_f32(r[2], r[3]);
  r[0] = vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0]));
  r[1] = vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1]));
  r[2] = vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0]));
  r[3] = vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1]));
}

#define KERNELS lowrank_neon
#define LINES lowrank_lines_neon
#define KERNELS_NAME "NEON"
#define REGISTERS 32
#include "kernels.inc"
#endif
